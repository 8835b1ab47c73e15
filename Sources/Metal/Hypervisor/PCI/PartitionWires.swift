import Control
import Manifest
import Platform
import Silicon
import Text
import X86

/// One end of a channel, for its partition's cores alone; guarded by the partition's lock.
struct WireEnd {
    let own: WireHalf, other: WireHalf
    /// The other partition, and the core of its boot vCPU.
    let partition: Int, peer: UInt32
    /// How often the other end may be interrupted.
    private var kicks: Budget
    /// How often it was.
    private(set) var kicked: UInt64 = 0
    private let mayKick: Bool

    init(
        _ own: WireHalf, _ other: WireHalf, _ end: ChannelEnd, core peer: UInt32, ticksPerSecond: UInt64
    ) {
        (self.own, self.other, self.peer) = (own, other, peer)
        partition = end.partition
        mayKick = end.kick != 0
        // A fiftieth of a second's at once.
        kicks = Budget(capacity: max(Int(end.kick) / 50, 1), perSecond: UInt64(max(end.kick, 1)))
        kicks.ticksPerSecond = ticksPerSecond
    }

    /// Interrupts the other end's guest. What comes too often, and a link that changes, waits for the housekeeping core.
    mutating func kickPeer(isChange: Bool, isDue: Bool, _ page: Pointer<ControlPage>) {
        guard mayKick else { return }
        if isChange { page.value.owe(partition) }
        guard isDue else { return }
        guard kicks.isLeft(now: cpu_rdtsc()) else { return page.value.owe(partition) }
        kicks.spend(1)
        kicked += 1
        LocalAPIC.kick(peer)
    }
}

extension PartitionFunctions {
    /// Before the guest starts: nothing of what the one before has sent stays, and the other ends look whether somebody is there.
    mutating func clearWires(_ page: Pointer<ControlPage>) {
        for i in 0..<guest.modelCount {
            guard let wire = wires[i] else { continue }
            for quarter in 0..<4 as Range<UInt32> {
                wire.own.clear(quarter: quarter)
                openWindow()
            }
            wire.own.renew()
            wires[i]?.kickPeer(isChange: true, isDue: false, page)
        }
    }

    /// What a core of the partition reaches of its channels, to clear it.
    func mapWires(
        forCore table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        for i in 0..<guest.modelCount {
            guard let wire = wires[i] else { continue }
            try table.map(wire.own.base, to: wire.own.base, size: WireHalf.size, .readWrite, arena: &arena)
        }
    }
}

extension PartitionFunctions {
    /// Shared memory into the guest's address space: the half of the channel's first end, then the other's. The peer's half is read-only,
    /// and where a step stands in for memory that the guest may not write, it is not there.
    func mapMemory<Format: PageTableFormat>(
        into nested: inout PageTable<Format>, forStep: Bool, arena: inout FrameArena
    ) throws(PageTableError) {
        for i in 0..<guest.modelCount {
            guard let start = guest.memory(model: i), let wire = wires[i] else { continue }
            let size = WireHalf.memorySize, isFirst = wire.own.base < wire.other.base
            let own = start + (isFirst ? 0 : size), peer = start + (isFirst ? size : 0)
            try nested.map(own, to: wire.own.memory, size: size, .readWrite, arena: &arena)
            if !forStep { try nested.map(peer, to: wire.other.memory, size: size, .read, arena: &arena) }
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
                let halves = unsafe (
                    WireHalf(at: base + UInt64(end) * WireHalf.size),
                    WireHalf(at: base + UInt64(1 - end) * WireHalf.size)
                )
                let card = ModelFunction.network(
                    mac: own.mac, mtu: channel.mtu, rate: UInt64(own.rate), mayKick: other.kick != 0,
                    isTold: own.kick != 0, seal: own.isSealed ? channel.name : Text(), own: halves.0.base,
                    peer: halves.1.base)
                let port = ModelFunction.port(
                    channel.name, mayKick: other.kick != 0, own: halves.0.base, peer: halves.1.base)
                try functions.value.guest.append(channel.isMemory ? .sharedMemory() : channel.isPort ? port : card)
                functions.value.wires[functions.value.guest.modelCount - 1] = WireEnd(
                    halves.0, halves.1, other, core: peer, ticksPerSecond: plan.machine.tscKHz * 1000)
            }
        }
    }
}
