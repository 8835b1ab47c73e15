import Control
import Platform
import Text
import Virtio
import WireSeal

/// The virtio functions of one partition, which runs this as a guest of its own, beside its own guest: whatever that writes to
/// its queues, and whatever is wrong here, reaches the partition's own memory and its ends of channels alone.
public struct DeviceModel: ~Copyable {
    private var functions: VirtioFunctions
    /// Where pages of output are: the console's, then the management link's.
    private let output: UInt64
    /// Ends of channels: of a card's, the wire alone counts.
    private var ports = [8 of PortWire?](repeating: nil)
    /// Of each, apart from all this: so little is moved when this is made.
    private let seals: UnsafeMutablePointer<SealedEnd>
    /// What each wire may send, in pieces of 64 bytes.
    private var rates = [8 of Budget](repeating: Budget(capacity: 24, perSecond: 1))

    /// - Precondition: what `page` names is mapped as it says, two pages at `output`, and two at `seals` for this alone.
    @unsafe public init(_ page: borrowing ModelPage, output: UInt64, seals: UInt64) {
        self.output = output
        unsafe self.seals = UnsafeMutablePointer(bitPattern: UInt(seals)).unsafelyUnwrapped
        functions = VirtioFunctions(page.functions, count: Int(truncatingIfNeeded: page.count))
        for i in 0..<8 {
            let function = page.functions[i]
            unsafe (self.seals + i).initialize(
                to: SealedEnd(function.seal, address: function.mac, ticksPerSecond: page.ticksPerSecond))
        }
        for i in 0..<functions.count {
            let function = page.functions[i], kind = functions.kind(i)
            guard kind == .network || kind == .port && !function.isControl else { continue }
            ports[i] = unsafe PortWire(
                own: WireHalf(at: function.own), peer: WireHalf(at: function.peer), mtu: function.mtu,
                counters: page.counters[i])
            ports[i]?.wire.isTold = function.isTold
            // A tenth of a second's at once.
            let rate = Budget(capacity: max(Int(function.rate) / 640, 24), perSecond: max(function.rate / 64, 1))
            rates[i] = rate
            rates[i].ticksPerSecond = page.ticksPerSecond
        }
    }

    /// Does what the page asks for.
    /// - Parameters:
    ///   - now: the time, in ticks.
    ///   - random: 64 random bits; nil where there are none.
    public mutating func answer(_ page: inout ModelPage, now: () -> UInt64, random: () -> UInt64?) {
        let locked: [3 of Range<UInt64>] = [
            range(page.locked[0], page.locked[1]), range(page.locked[2], page.locked[3]),
            range(page.locked[4], page.locked[5]),
        ]
        guard let base = unsafe UnsafeMutableRawPointer(bitPattern: UInt(page.memory)) else { return }
        let memory = unsafe GuestMemory(base: base, size: page.memorySize, locked: locked)
        (page.live, page.kicks, page.changes, page.hasMore, page.waits, page.interruptCount) = (0, 0, 0, 0, 0, 0)
        // What the last call has sent was taken behind it.
        for i in 0..<2 as Range<UInt64> {
            unsafe UnsafeMutablePointer<Int>(bitPattern: UInt(output + i * 0x1000))?.pointee = 0
        }
        page.answer = accessSeal(page.call) ?? functions.access(page.call)
        for i in 0..<functions.count {
            if page.call.isWrite {
                if functions.kind(i) == .console { serveConsole(i, &page, memory) }
                if functions.kind(i) == .network { serveWire(i, &page, memory, now, random) }
                if functions.kind(i) == .port { servePort(i, &page, memory) }
            }
            if functions.isInUse(i) { page.live |= 1 << UInt64(i) }
            while page.interruptCount < 64, let interrupt = functions.nextInterrupt(i) {
                page.interrupts[Int(page.interruptCount)] = UInt64(interrupt.apicID) << 32 | UInt64(interrupt.vector)
                page.interruptCount += 1
            }
        }
    }

    /// What concerns the key of a sealed end; nil where the call does not.
    private mutating func accessSeal(_ call: ModelCall) -> UInt64? {
        let i = Int(call.index)
        guard call.place == ModelCall.Place.configuration.rawValue, call.size == 4, i < functions.count else {
            return nil
        }
        let value = call.isWrite ? UInt32(truncatingIfNeeded: call.value) : nil
        return unsafe seals[i].seal.access(Int(call.offset), value).map(UInt64.init)
    }

    private func range(_ start: UInt64, _ end: UInt64) -> Range<UInt64> { start..<max(start, end) }

    private mutating func serveConsole(_ i: Int, _ page: inout ModelPage, _ memory: borrowing GuestMemory) {
        guard functions.isLive(i) else { return }
        var console = unsafe ModelConsole(page, output: output, isControl: false)
        if console.room == 0, functions.hasOutput(i, memory) { page.waits = 1 }
        let progress = functions.serve(i, console: &console, limit: Int(ModelMemory.pieceSize), memory)
        if case .more = progress { page.hasMore = 1 }
    }

    /// Moves frames between the guest and a wire.
    private mutating func serveWire(
        _ i: Int, _ page: inout ModelPage, _ memory: borrowing GuestMemory, _ now: () -> UInt64, _ random: () -> UInt64?
    ) {
        guard var wire = ports[i]?.wire else { return }
        var rate = rates[i]
        let mayBeUp =
            unsafe !page.functions[i].isSealed
            || seals[i].update(isLive: functions.isLive(i), random: random, now: now())
        let progress = unsafe functions.serve(i, wire: &wire, seal: &seals[i].seal, mayBeUp: mayBeUp, memory) { bytes in
            guard rate.isLeft(now: now()) else { return false }
            rate.spend((bytes + 63) / 64)
            return true
        }
        if page.functions[i].mayKick {
            if wire.takeChange() { page.changes |= 1 << UInt64(i) }
            if wire.mustTell() {
                wire.tell()
                page.kicks |= 1 << UInt64(i)
            }
        }
        page.counters[i] = wire.counters
        ports[i]?.wire = wire
        rates[i] = rate
        if case .more = progress { page.hasMore = 1 }
    }

    /// The management link, which loses nothing: what has no room waits in the guest, and nobody for it.
    private mutating func serveControl(_ i: Int, _ page: inout ModelPage, _ memory: borrowing GuestMemory) {
        var link = unsafe ModelConsole(page, output: output + 0x1000, isControl: true)
        let progress = functions.serve(
            i, port: &link, name: "org.bulkhead.control", limit: Int(ModelMemory.pieceSize), memory)
        if case .more = progress { page.hasMore = 1 }
    }

    /// Moves bytes between the guest and a port's other end.
    private mutating func servePort(_ i: Int, _ page: inout ModelPage, _ memory: borrowing GuestMemory) {
        if page.functions[i].isControl { return serveControl(i, &page, memory) }
        guard var port = ports[i] else { return }
        let progress = functions.serve(
            i, port: &port, name: page.functions[i].name, limit: PortWire.limit, memory)
        if page.functions[i].mayKick {
            if port.takeChange() { page.changes |= 1 << UInt64(i) }
            if port.mustTell() {
                port.tell()
                page.kicks |= 1 << UInt64(i)
            }
        }
        page.counters[i] = port.wire.counters
        ports[i] = port
        if case .more = progress { page.hasMore = 1 }
    }
}
