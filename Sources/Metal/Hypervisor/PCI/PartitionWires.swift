import Control
import Manifest
import Platform
import Silicon
import X86

/// One end of a wire, for its partition's cores alone; guarded by the partition's lock.
struct WireEnd {
    var wire: Wire
    /// The other partition, and the core of its boot vCPU.
    let partition: Int, peer: UInt32
    /// What may be sent, in pieces of 64 bytes, and how often the other end may be interrupted.
    private var rate: Budget
    private var kicks: Budget
    private let mayKick: Bool

    init(_ wire: Wire, _ end: ChannelEnd, to other: ChannelEnd, core peer: UInt32, ticksPerSecond: UInt64) {
        self.wire = wire
        self.peer = peer
        partition = other.partition
        mayKick = other.kick != 0
        // A tenth of a second's at once; of interruptions, a fiftieth.
        rate = Budget(capacity: max(Int(end.rate) / 640, 24), perSecond: max(UInt64(end.rate) / 64, 1))
        kicks = Budget(capacity: max(Int(other.kick) / 50, 1), perSecond: UInt64(max(other.kick, 1)))
        rate.ticksPerSecond = ticksPerSecond
        kicks.ticksPerSecond = ticksPerSecond
    }

    mutating func maySend(_ bytes: Int) -> Bool {
        guard rate.isLeft(now: cpu_rdtsc()) else { return false }
        rate.spend((bytes + 63) / 64)
        return true
    }

    /// Interrupts the other end's guest where that is due. What comes too often, and a link that changes, waits for the housekeeping
    /// core.
    mutating func kickPeer(_ page: Pointer<ControlPage>) {
        guard mayKick else { return }
        if wire.takeChange() { page.value.owe(partition) }
        guard wire.mustTell() else { return }
        guard kicks.isLeft(now: cpu_rdtsc()) else { return page.value.owe(partition) }
        kicks.spend(1)
        wire.tell()
        LocalAPIC.kick(peer)
    }
}

extension PartitionFunctions {
    /// Before the guest starts: nothing of what the one before has sent stays.
    func clearWires() {
        for i in 0..<guest.virtioCount {
            guard let wire = wires[i]?.wire else { continue }
            for quarter in 0..<4 as Range<UInt32> {
                wire.own.clear(quarter: quarter)
                openWindow()
            }
        }
    }

    /// What a core of the partition reaches of its wires: it writes what it sends, and reads the rest.
    func mapWires(
        forCore table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        for i in 0..<guest.virtioCount {
            guard let wire = wires[i]?.wire else { continue }
            try table.map(wire.own.base, to: wire.own.base, size: WireHalf.size, .readWrite, arena: &arena)
            try table.map(wire.peer.base, to: wire.peer.base, size: WireHalf.size, .read, arena: &arena)
        }
    }
}

extension PartitionFunctions {
    /// Shared memory into the guest's address space: the half of the channel's first end, then the other's. The peer's half is read-only,
    /// and where a step stands in for memory that the guest may not write, it is not there.
    func mapMemory<Format: PageTableFormat>(
        into nested: inout PageTable<Format>, forStep: Bool, arena: inout FrameArena
    ) throws(PageTableError) {
        for i in 0..<guest.virtioCount {
            guard let start = guest.memory(virtio: i), let wire = wires[i]?.wire else { continue }
            let size = WireHalf.memorySize, isFirst = wire.own.base < wire.peer.base
            let own = start + (isFirst ? 0 : size), peer = start + (isFirst ? size : 0)
            try nested.map(own, to: wire.own.memory, size: size, .readWrite, arena: &arena)
            if !forStep { try nested.map(peer, to: wire.peer.memory, size: size, .read, arena: &arena) }
        }
    }
}

extension BuiltMachine {
    /// Adds partition `i`'s ends of channels to what it has of the bus.
    func appendWires(_ i: Int, to functions: Pointer<PartitionFunctions>) throws(GuestBusError) {
        for n in 0..<manifest.channelCount {
            let channel = manifest.channels[n]
            for end in 0..<2 where channel.ends[end].partition == i {
                let own = channel.ends[end], other = channel.ends[1 - end], base = plan.channels[n]
                let peer = tables.apicIDs[manifest.partitions[other.partition].cores.first]
                // Both were allocated for this channel alone.
                let wire = unsafe Wire(
                    own: WireHalf(at: base + UInt64(end) * WireHalf.size),
                    peer: WireHalf(at: base + UInt64(1 - end) * WireHalf.size), mtu: channel.mtu)
                try functions.value.guest.append(
                    channel.isMemory ? .sharedMemory : .network, mac: own.mac, mtu: channel.mtu)
                functions.value.wires[functions.value.guest.virtioCount - 1] = WireEnd(
                    wire, own, to: other, core: peer, ticksPerSecond: plan.machine.tscKHz * 1000)
            }
        }
    }
}
