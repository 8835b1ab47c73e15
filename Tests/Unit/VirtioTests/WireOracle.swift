import Platform
import Virtio

/// What must hold whatever the guests at a wire's ends do, and whatever one end's instance leaves in its half; the fuzzer and
/// the replay of its corpus ask this, by the inputs that `VirtioOracle` takes: bit 4 of a step says which end's it is.
struct WireOracle: ~Copyable {
    private let memory = ChannelMemory()

    /// - Returns: what is wrong, or nil.
    func complaint(about input: UnsafeRawBufferPointer) -> String? {
        let halves = memory.clear()
        var wires = [Wire(own: halves[0], peer: halves[1], mtu: 1500), Wire(own: halves[1], peer: halves[0], mtu: 600)]
        var first = TestBus(memorySize: UInt64(VirtioOracle.size))
        var second = TestBus(memorySize: UInt64(VirtioOracle.size))
        do throws(GuestBusError) {
            try first.append(.network(mac: 2, mtu: 1500))
            try second.append(.network(mac: 0x102, mtu: 600))
        } catch { return "no card" }
        var high: UInt32 = 0
        for at in stride(from: 0, to: input.count - 3, by: 4) {
            let found =
                ChannelMemory.end(input, at) == 0
                ? step(input, at, &first, &wires[0], &high) : step(input, at, &second, &wires[1], &high)
            if let found { return found }
        }
        return memory.isWhole ? nil : "something was written beside the wire"
    }

    private func step(
        _ input: UnsafeRawBufferPointer, _ at: Int, _ bus: inout TestBus, _ wire: inout Wire, _ high: inout UInt32
    ) -> String? {
        let guest = memory.guest(ChannelMemory.end(input, at))
        if memory.spoil(input, at, high) { return nil }
        switch input[at] & 15 {
        case 14, 15:
            let before = wire.counters
            _ = bus.serve(&wire, guest) { $0 <= 1518 }
            let now = wire.counters
            // 64 to send and 128 to receive, one of which may be many that are not for this end.
            if now.frames - before.frames > 64 || now.dropped - before.dropped > 192 {
                return "more than one exit may move"
            }
            if wire.mustTell() { wire.tell() }
            if VirtioOracle.hasStrangeInterrupts(&bus) { return "interrupts that cannot be" }
        default: VirtioOracle.step(input, at, &bus, &high, guest)
        }
        return nil
    }
}
