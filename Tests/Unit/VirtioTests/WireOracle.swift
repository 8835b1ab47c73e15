import Platform
import Virtio

/// What must hold whatever the guests at a wire's ends do, and whatever one end's instance leaves in its half; the fuzzer and
/// the replay of its corpus ask this, by the inputs that `VirtioOracle` takes: bit 4 of a step says which end's it is.
struct WireOracle: ~Copyable {
    /// Bytes that nobody may write, around the wire.
    private static let border = 4096
    private static let wireSize = 2 * Int(WireHalf.size)
    private let guests = UnsafeMutableRawPointer.allocate(byteCount: 2 * VirtioOracle.size, alignment: 4096)
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: wireSize + 2 * border, alignment: 4096)
    init() { memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: Self.wireSize + 2 * Self.border) }
    deinit {
        guests.deallocate()
        memory.deallocate()
    }

    /// - Returns: what is wrong, or nil.
    func complaint(about input: UnsafeRawBufferPointer) -> String? {
        guests.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * VirtioOracle.size)
        let shared = memory + Self.border
        // The numbers of both halves, and what each place says of itself.
        for half in [shared, shared + Int(WireHalf.size)] {
            half.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
            for slot in 0..<128 { half.storeBytes(of: 0, toByteOffset: 4096 + slot * 2048, as: UInt64.self) }
        }
        let base = UInt64(UInt(bitPattern: shared))
        let halves = unsafe [WireHalf(at: base), WireHalf(at: base + WireHalf.size)]
        var wires = [Wire(own: halves[0], peer: halves[1], mtu: 1500), Wire(own: halves[1], peer: halves[0], mtu: 600)]
        var first = TestBus(memorySize: UInt64(VirtioOracle.size))
        var second = TestBus(memorySize: UInt64(VirtioOracle.size))
        do throws(GuestBusError) {
            try first.append(.network(mac: 2, mtu: 1500))
            try second.append(.network(mac: 0x102, mtu: 600))
        } catch { return "no card" }
        var high: UInt32 = 0
        for at in stride(from: 0, to: input.count - 3, by: 4) {
            let end = Int(input[at] >> 4 & 1)
            let found =
                end == 0
                ? step(input, at, &first, &wires, 0, shared, &high) : step(input, at, &second, &wires, 1, shared, &high)
            if let found { return found }
        }
        let whole = UnsafeRawBufferPointer(start: memory, count: Self.wireSize + 2 * Self.border)
        let isWhole =
            whole.prefix(Self.border).allSatisfy { $0 == 0xA5 } && whole.suffix(Self.border).allSatisfy { $0 == 0xA5 }
        return isWhole ? nil : "something was written beside the wire"
    }

    private func step(
        _ input: UnsafeRawBufferPointer, _ at: Int, _ bus: inout TestBus, _ wires: inout [Wire], _ end: Int,
        _ shared: UnsafeMutableRawPointer, _ high: inout UInt32
    ) -> String? {
        let guest = GuestMemory(base: guests + end * VirtioOracle.size, size: UInt64(VirtioOracle.size))
        let place = Int(input[at + 1]), half = UInt32(input[at + 2]) | UInt32(input[at + 3]) << 8
        let own = shared + end * Int(WireHalf.size)
        switch input[at] & 15 {
        // An instance that is no longer itself.
        case 10: own.storeBytes(of: high << 16 | half, toByteOffset: place & 63 * 4, as: UInt32.self)
        case 11:
            let tag = UInt64(high) << 32 | UInt64(half) << 16 | UInt64(place) * 8
            own.storeBytes(of: tag, toByteOffset: 4096 + (place & 127) * 2048, as: UInt64.self)
        case 14, 15:
            let before = wires[end].counters
            _ = bus.serve(&wires[end], guest) { $0 <= 1518 }
            let now = wires[end].counters
            // 64 to send and 128 to receive, one of which may be many that are not for this end.
            if now.frames - before.frames > 64 || now.dropped - before.dropped > 192 {
                return "more than one exit may move"
            }
            if wires[end].mustTell() { wires[end].tell() }
            if VirtioOracle.hasStrangeInterrupts(&bus) { return "interrupts that cannot be" }
        default: VirtioOracle.step(input, at, &bus, &high, guest)
        }
        return nil
    }
}
