import Platform
import Text

@testable import Virtio

/// Two guests at the ends of one port, and their drivers: what Linux' does (drivers/char/virtio_console.c of 6.1).
final class TestPort {
    static let name: Text<31> = "telemetry"
    static let features = TestConsole.features | 1 << 1
    private static let messageSize: UInt32 = 64, messages = TestConsole.buffers
    private static let sent = TestConsole.buffers + 0x2_0000, buffers = TestConsole.buffers + 0x6_0000
    let ends: [TestConsole]
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * Int(WireHalf.size), alignment: 4096)
    private(set) var ports: [PortWire]
    /// By end, what its driver has found used so far in queues 0 to 2, and how many buffers of `size` bytes it has for what comes.
    private var found = [[UInt16]](repeating: [0, 0, 0], count: 2)
    private var bufferSize: [UInt32] = [4096, 4096]
    /// Whether an end's device has been notified, or told, since it was served.
    private(set) var isDue = [false, false]
    /// What each end's programs have sent and not yet given to the driver, and what they have received.
    var waiting: [[UInt8]] = [[], []]
    var received: [[UInt8]] = [[], []]

    init() throws {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Int(WireHalf.size))
        let base = UInt64(UInt(bitPattern: memory))
        let halves = unsafe [WireHalf(at: base), WireHalf(at: base + WireHalf.size)]
        for half in halves { half.renew() }
        ports = (0..<2).map { PortWire(own: halves[$0], peer: halves[1 - $0], counters: WireCounters()) }
        ends = try (0..<2).map { _ in try TestConsole(port: Self.name) }
    }
    deinit { memory.deallocate() }

    /// What comes to pass when a core of this end's exits; the other end is told when it wants to be.
    @discardableResult
    func serve(_ end: Int) -> VirtioProgress {
        isDue[end] = false
        let progress = ends[end].serve(port: &ports[end], name: Self.name)
        if ports[end].takeChange() { isDue[1 - end] = true }
        if ports[end].mustTell() {
            ports[end].tell()
            isDue[1 - end] = true
        }
        if case .more = progress { isDue[end] = true }
        return progress
    }
    /// Serves both until nobody has anything to do.
    /// - Returns: whether that came to an end.
    @discardableResult
    func settle() -> Bool {
        for _ in 0..<1000 {
            guard let end = isDue.firstIndex(of: true) else { return true }
            serve(end)
        }
        return false
    }
    func counters(_ end: Int) -> WireCounters { ports[end].wire.counters }
    /// A number of an end's own page, as an instance that is no longer itself may leave it.
    func spoil(_ end: Int, _ offset: Int, _ value: UInt32) {
        memory.storeBytes(of: value, toByteOffset: end * Int(WireHalf.size) + offset, as: UInt32.self)
    }
    func number(_ end: Int, _ offset: Int) -> UInt32 {
        memory.load(fromByteOffset: end * Int(WireHalf.size) + offset, as: UInt32.self)
    }
    /// The place of an end's piece.
    func piece(_ end: Int, _ index: Int) -> UnsafeMutableRawPointer {
        memory + end * Int(WireHalf.size) + 4096 + index * 2048
    }
    /// As root mode does when an end's guest has ended and the next one starts.
    func restart(_ end: Int) {
        for quarter in 0..<4 as Range<UInt32> { ports[end].wire.own.clear(quarter: quarter) }
        ports[end].wire.own.renew()
        ports[end] = PortWire(
            own: ports[end].wire.own, peer: ports[end].wire.peer, counters: ports[end].wire.counters)
        ends[end].reset()
        forget(end)
        isDue = [true, true]
    }
    private func forget(_ end: Int) {
        found[end] = [0, 0, 0]
        ends[end].added = [0, 0, 0, 0]
        for queue in 0..<4 {
            for at in stride(from: 0, to: 0x2000, by: 8) {
                ends[end].store(0 as UInt64, TestConsole.area(queue) + UInt64(at))
            }
        }
    }

    /// Brings an end's driver up, with buffers for messages and for bytes.
    func start(_ end: Int, buffers: Int = 32, size: UInt32 = 4096, features: UInt64 = features) {
        forget(end)
        ends[end].start(features, queues: 4)
        bufferSize[end] = size
        for i in 0..<16 {
            ends[end].describe(2, i, Self.messages + UInt64(i) * 64, Self.messageSize, 2)
            ends[end].offer(2, UInt16(i))
        }
        for i in 0..<buffers {
            ends[end].describe(0, i, Self.buffers + UInt64(i) * 4096, size, 2)
            ends[end].offer(0, UInt16(i))
        }
        isDue[end] = true
    }
    /// Sends the device a message.
    func say(_ end: Int, _ event: UInt16, _ value: UInt16 = 1, port: UInt32 = 0) {
        ends[end].store(UInt64(port) | UInt64(event) << 32 | UInt64(value) << 48, Self.messages + 0x1000)
        ends[end].describe(3, 0, Self.messages + 0x1000, 8, 0)
        if ends[end].offer(3, 0) { serve(end) }
    }
    /// What the device has told since this was asked last, and the buffers are offered anew.
    func told(_ end: Int) -> [[UInt8]] {
        var told: [[UInt8]] = []
        while found[end][2] != ends[end].used(2) {
            let head = usedHead(end, 2), length = Int(ends[end].usedLength(2, found[end][2]))
            told.append(ends[end].bytes(Self.messages + UInt64(head) * 64, length))
            found[end][2] &+= 1
            if ends[end].offer(2, head) { isDue[end] = true }
        }
        return told
    }
    private func usedHead(_ end: Int, _ queue: Int) -> UInt16 {
        let index = UInt64(found[end][queue] & (TestConsole.size - 1))
        return ends[end].load(TestConsole.area(queue) + 0x1004 + index * 8, UInt16.self)
    }
    func greet(_ end: Int) {
        for event in [0, 3] as [UInt16] { say(end, event) }
        settle()
    }
    func set(_ end: Int, isOpen: Bool) { say(end, 6, isOpen ? 1 : 0) }
    /// Both ends up and open, and each knows of the other.
    func open() {
        for end in 0..<2 {
            start(end)
            greet(end)
            set(end, isOpen: true)
        }
        settle()
        for end in 0..<2 { _ = told(end) }
    }

    /// Gives the driver as much of what waits as its queue takes, so many bytes at once.
    func write(_ end: Int, chunk: Int = 32 << 10) {
        while !waiting[end].isEmpty, ends[end].added[1] &- ends[end].used(1) < 8 {
            let head = ends[end].added[1] & 7, bytes = waiting[end].prefix(min(chunk, 32 << 10))
            let address = Self.sent + UInt64(head) * (32 << 10)
            for (i, byte) in bytes.enumerated() { ends[end].store(byte, address + UInt64(i)) }
            ends[end].describe(1, Int(head), address, UInt32(bytes.count), 0)
            waiting[end].removeFirst(bytes.count)
            if ends[end].offer(1, head) { isDue[end] = true }
        }
    }
    /// Takes what has come, at most so many buffers, and offers them anew.
    func read(_ end: Int, buffers: Int = .max) {
        var left = buffers
        while left > 0, found[end][0] != ends[end].used(0) {
            let head = usedHead(end, 0), length = Int(ends[end].usedLength(0, found[end][0]))
            received[end] += ends[end].bytes(Self.buffers + UInt64(head) * 4096, length)
            found[end][0] &+= 1
            left -= 1
            if ends[end].offer(0, head) { isDue[end] = true }
        }
    }
    /// Chains of the driver's that are through.
    func sentChains(_ end: Int) -> UInt16 { ends[end].used(1) }
}
