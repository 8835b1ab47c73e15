import Platform

@testable import Virtio

/// Two guests at the ends of one wire.
final class TestWire {
    let ends: [TestConsole]
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * Int(WireHalf.size), alignment: 4096)
    private(set) var wires: [Wire]

    init(mtu: UInt16 = 1500) throws {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Int(WireHalf.size))
        let base = UInt64(UInt(bitPattern: memory))
        let halves = unsafe [WireHalf(at: base), WireHalf(at: base + WireHalf.size)]
        wires = (0..<2).map { Wire(own: halves[$0], peer: halves[1 - $0], mtu: mtu) }
        ends = try (0..<2).map { try TestConsole(mac: 0x0605_0403_0200 + UInt64($0) << 40, mtu: mtu) }
    }
    deinit { memory.deallocate() }

    @discardableResult
    func serve(_ end: Int, mayPass: (Int) -> Bool = { _ in true }) -> VirtioProgress {
        ends[end].serve(&wires[end], mayPass: mayPass)
    }
    /// Whether the other end is interrupted.
    func tells(_ end: Int, _ mayTell: Bool = true) -> Bool {
        guard wires[end].mustTell(), mayTell else { return false }
        wires[end].tell()
        return true
    }
    func isChanged(_ end: Int) -> Bool { wires[end].takeChange() }
    /// From here on nobody tells this end of anything.
    func leaveAlone(_ end: Int) { wires[end].isTold = false }
    func counters(_ end: Int) -> WireCounters { wires[end].counters }
    func clear(_ end: Int) { for quarter in 0..<4 as Range<UInt32> { wires[end].own.clear(quarter: quarter) } }
    /// A number of an end's own page, as an instance that is no longer itself may leave it.
    func spoil(_ end: Int, _ offset: Int, _ value: UInt32) {
        memory.storeBytes(of: value, toByteOffset: end * Int(WireHalf.size) + offset, as: UInt32.self)
    }
    func spoilTag(_ end: Int, _ slot: Int, _ value: UInt64) {
        memory.storeBytes(of: value, toByteOffset: end * Int(WireHalf.size) + 4096 + slot * 2048, as: UInt64.self)
    }

    /// Whether an end's half has nothing but zeroes from `offset` on.
    func isClear(_ end: Int, from offset: Int) -> Bool {
        let half = UnsafeRawBufferPointer(start: memory + end * Int(WireHalf.size), count: Int(WireHalf.size))
        return half[offset...].allSatisfy { $0 == 0 }
    }
    func fill(_ end: Int, _ range: Range<Int>) {
        (memory + end * Int(WireHalf.size) + range.lowerBound).initializeMemory(
            as: UInt8.self, repeating: 0xA5, count: range.count)
    }
    func renew(_ end: Int) { wires[end].own.renew() }
    func number(_ end: Int) -> UInt32 { memory.load(fromByteOffset: end * Int(WireHalf.size), as: UInt32.self) }

    /// Both drivers come up and see each other.
    func start() {
        for end in ends { end.start(TestWire.features) }
        for end in [0, 1, 0, 1] { serve(end) }
        for end in [0, 1] { _ = isChanged(end) }
    }
    /// Both come up, and the first sends one frame.
    /// - Returns: whether the other is told.
    func startAndTell() -> Bool {
        start()
        offerBuffers(1)
        send(0, [UInt8](repeating: 1, count: 60))
        serve(0)
        return tells(0)
    }
    static let features = TestConsole.features | 1 << 3 | 1 << 5 | 1 << 16

    /// Gives the device eight buffers of `size` bytes.
    func offerBuffers(_ end: Int, size: UInt32 = 1530) {
        for i in 0..<8 {
            ends[end].describe(0, i, TestConsole.buffers + 0x1_0000 + UInt64(i) * 2048, size, 2)
            ends[end].offer(0, UInt16(i))
        }
    }
    func send(_ end: Int, _ frame: [UInt8], head: UInt16 = 0) {
        ends[end].send([UInt8](repeating: 0xEE, count: 12) + frame, head: head)
    }
    /// What stands in receive buffer `index`: the header and the frame.
    func received(_ end: Int, _ index: Int, _ count: Int) -> [UInt8] {
        ends[end].bytes(TestConsole.buffers + 0x1_0000 + UInt64(index) * 2048, 12 + count)
    }
}
