import Platform
import Text
import Virtio

/// What must hold whatever the guests at a port's ends do, and whatever one end's instance leaves in its half; the fuzzer and the
/// replay of its corpus ask this, by the inputs that `WireOracle` takes.
struct PortOracle: ~Copyable {
    private let memory = ChannelMemory()
    private static let names: [Text<31>] = ["first", "a-name-of-thirty-one-characters"]

    /// - Returns: what is wrong, or nil.
    func complaint(about input: UnsafeRawBufferPointer) -> String? {
        let halves = memory.clear()
        var ports = (0..<2).map { PortWire(own: halves[$0], peer: halves[1 - $0], counters: WireCounters()) }
        var first = TestBus(memorySize: UInt64(VirtioOracle.size))
        var second = TestBus(memorySize: UInt64(VirtioOracle.size))
        do throws(GuestBusError) {
            try first.append(.port(Self.names[0]))
            try second.append(.port(Self.names[1]))
        } catch { return "no port" }
        var high: UInt32 = 0
        for at in stride(from: 0, to: input.count - 3, by: 4) {
            let found =
                ChannelMemory.end(input, at) == 0
                ? step(input, at, &first, &ports[0], &high) : step(input, at, &second, &ports[1], &high)
            if let found { return found }
        }
        return memory.isWhole ? nil : "something was written beside the port's memory"
    }

    private func step(
        _ input: UnsafeRawBufferPointer, _ at: Int, _ bus: inout TestBus, _ port: inout PortWire, _ high: inout UInt32
    ) -> String? {
        let end = ChannelMemory.end(input, at), guest = memory.guest(end)
        if memory.spoil(input, at, high) { return nil }
        switch input[at] & 15 {
        case 14, 15:
            let before = port.wire.counters
            _ = bus.serve(port: &port, name: Self.names[end], PortWire.limit, guest)
            let now = port.wire.counters
            let frames = now.frames - before.frames, bytes = now.bytes - before.bytes
            if frames > 128 * 16 || bytes > UInt64(PortWire.limit) || now.dropped - before.dropped > 128 {
                return "more than one exit may move"
            }
            if port.mustTell() {
                port.tell()
                if port.mustTell() { return "what was told is due again" }
            }
            if VirtioOracle.hasStrangeInterrupts(&bus) { return "interrupts that cannot be" }
        // The driver has the port open; its messages lie where both queues of messages look.
        case 13 where input[at + 1] & 1 != 0: open(&bus, guest, UInt32(input[at + 2]) | UInt32(input[at + 3]) << 8)
        default: VirtioOracle.step(input, at, &bus, &high, guest)
        }
        return nil
    }

    /// What a driver does first, with four queues that have their memory in common: inputs change the rest.
    private func open(_ bus: inout TestBus, _ guest: borrowing GuestMemory, _ value: UInt32) {
        func write(_ offset: UInt16, _ size: Int, _ value: UInt32) {
            let port = PortAccess(rawValue: UInt32(GuestWindows.ports + offset) << 16 | UInt32(size) << 4)
            _ = bus.access(port, value: value)
        }
        _ = bus.access(memory: GuestWindows.ecam + 0xF8 << 12 + 4, size: 2, value: 7)
        for status in [0, 3] as [UInt32] { write(0x14, 1, status) }
        for (select, features) in [(0, value & 1 << 29 | 2), (1, 1)] as [(UInt32, UInt32)] {
            write(0x08, 4, select)
            write(0x0C, 4, features)
        }
        write(0x14, 1, 0x0B)
        for queue in 0..<4 as Range<UInt32> {
            write(0x16, 2, queue)
            write(0x18, 2, 16)
            write(0x20, 4, 0x1000 + queue * 0x100)
            write(0x28, 4, 0x1400 + queue * 0x40)
            write(0x30, 4, 0x2000 + queue * 0x400)
            write(0x1C, 2, 1)
            for i in 0..<16 as Range<UInt64> {
                let at = 0x1000 + UInt64(queue) * 0x100 + i * 16
                guest.store(0x4000 + UInt64(queue) * 0x2000 + i * 256, at: at)
                guest.store(UInt64(queue == 3 ? 8 : 256) | (queue & 1 == 0 ? 2 << 32 : 0), at: at + 8)
                guest.store(UInt16(i), at: 0x1404 + UInt64(queue) * 0x40 + i * 2)
            }
            guest.store(UInt16(queue == 3 ? 3 : queue == 1 ? value & 15 : 16), at: 0x1402 + UInt64(queue) * 0x40)
        }
        for (i, word) in [0x1_0000_FFFF_FFFF, 0x1_0003_0000_0000, 0x1_0006_0000_0000].enumerated() {
            guest.store(UInt64(word), at: 0xA000 + UInt64(i) * 256)
        }
        write(0x14, 1, 0x0F)
    }
}
