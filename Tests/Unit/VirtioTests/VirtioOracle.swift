import Platform
import Virtio

/// What must hold whatever a guest does with its virtio console; the fuzzer and the replay of its corpus ask this.
struct VirtioOracle: ~Copyable {
    /// Counts what goes through it, and changes memory while it is copied.
    private final class Stream: VirtioStream {
        var waiting = 0, room = 0, given = 0, taken = 0
        let memory: UnsafeMutableRawPointer
        init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

        func take(_ bytes: UnsafeRawBufferPointer) -> Int {
            let count = min(bytes.count, room)
            taken += bytes.prefix(count).reduce(0) { sum, _ in sum + 1 }
            room -= count
            // The guest's other cores write to the queues meanwhile.
            let descriptor = UInt64(taken & 15) << 48 | UInt64(taken & 3) << 32 | UInt64(count) << 3
            memory.storeBytes(of: descriptor, toByteOffset: 0x1008, as: UInt64.self)
            return count
        }
        func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
            let count = min(bytes.count, waiting)
            bytes.prefix(count).forEach { _ in given += 1 }
            UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]).initializeMemory(as: UInt8.self, repeating: 0x55)
            waiting -= count
            return count
        }
        var hasBytes: Bool { waiting > 0 }
    }

    static let size = 64 << 10
    private let base = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    deinit { base.deallocate() }

    /// Carries out what `input` says, four bytes for each step: what, where, and a value of two bytes.
    /// - Returns: what is wrong, or nil.
    func complaint(about input: UnsafeRawBufferPointer) -> String? {
        base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size)
        var bus = TestBus(memorySize: UInt64(Self.size))
        do throws(GuestBusError) { try bus.append(.console) } catch { return "no console" }
        var stream = Stream(base)
        let memory = GuestMemory(base: base, size: UInt64(Self.size))
        var high: UInt32 = 0
        for at in stride(from: 0, to: input.count - 3, by: 4) {
            let place = Int(input[at + 1])
            switch input[at] & 15 {
            case 10: stream.waiting += place * 64
            case 11: stream.room += place * 64
            case 14, 15:
                let limit = place * 16
                (stream.given, stream.taken) = (0, 0)
                _ = bus.serve(console: &stream, limit: limit, memory)
                if stream.given > limit || stream.taken > limit { return "more bytes than one exit may move" }
                if Self.hasStrangeInterrupts(&bus) { return "interrupts that cannot be" }
            default: Self.step(input, at, &bus, &high, memory)
            }
        }
        return nil
    }

    /// More than there are vectors, or one that is the processor's.
    static func hasStrangeInterrupts(_ bus: inout TestBus) -> Bool {
        var interrupts = 0
        while let message = bus.nextInterrupt(0) {
            interrupts += 1
            if message.vector < 16 || interrupts > 8 { return true }
        }
        return false
    }

    /// What a guest does to a function and to its own memory.
    static func step(
        _ input: UnsafeRawBufferPointer, _ at: Int, _ bus: inout TestBus, _ high: inout UInt32,
        _ memory: borrowing GuestMemory
    ) {
        let place = Int(input[at + 1]), half = UInt32(input[at + 2]) | UInt32(input[at + 3]) << 8
        let value = high << 16 | half
        switch input[at] & 15 {
        case 0, 1, 2:
            let size = 1 << Int(input[at] & 3)
            let port = portAccess(GuestWindows.ports + UInt16(place), size, isInput: false)
            _ = bus.access(port, value: value)
        case 3:
            _ = bus.access(
                portAccess(GuestWindows.ports + UInt16(place), 4, isInput: true), value: 0)
        case 4:
            let address = GuestWindows.ecam + 0xF8 << 12 + UInt64(place)
            _ = bus.access(memory: address, size: 4, value: UInt64(value))
        case 5:
            _ = bus.access(
                memory: GuestWindows.low + UInt64(place) * 16, size: 8, value: UInt64(value))
        case 6: memory.store(UInt16(truncatingIfNeeded: half), at: 0x1000 + UInt64(place) * 2)
        case 7: memory.store(UInt64(value) << 32 | UInt64(place), at: 0x1000 + UInt64(place & 63) * 16 + 8)
        case 8: memory.store(UInt64(value), at: 0x1000 + UInt64(place & 63) * 16)
        case 9: high = half
        case 12: start(&bus, events: place & 1 != 0, memory)
        default: bus.reset()
        }
    }

    /// What a driver does first, so that inputs need not find it.
    private static func start(_ bus: inout TestBus, events: Bool, _ memory: borrowing GuestMemory) {
        func write(_ offset: UInt16, _ size: Int, _ value: UInt32) {
            _ = bus.access(
                portAccess(GuestWindows.ports + offset, size, isInput: false), value: value)
        }
        let space = GuestWindows.ecam + 0xF8 << 12
        _ = bus.access(memory: space + 4, size: 2, value: 7)
        _ = bus.access(memory: space + 0x42, size: 2, value: 0x8000)
        write(0x14, 1, 0)
        write(0x08, 4, 0)
        write(0x0C, 4, events ? 1 << 29 : 0)
        write(0x08, 4, 1)
        write(0x0C, 4, 1)
        write(0x14, 1, 0x0B)
        for queue in 0..<2 as Range<UInt32> {
            _ = bus.access(
                memory: GuestWindows.low + UInt64(queue) * 16, size: 4, value: 0xFEE0_0000)
            _ = bus.access(memory: GuestWindows.low + UInt64(queue) * 16 + 8, size: 8, value: 0x40)
            write(0x16, 2, queue)
            write(0x18, 2, 16)
            write(0x20, 4, 0x1000)
            write(0x28, 4, 0x1100 + queue * 0x40)
            write(0x30, 4, 0x2000 + queue * 0x400)
            write(0x1A, 2, queue)
            write(0x1C, 2, 1)
        }
        write(0x14, 1, 0x0F)
    }
}

/// The fuzz target has none of the tests' other files.
private func portAccess(_ port: UInt16, _ size: Int, isInput: Bool) -> PortAccess {
    PortAccess(rawValue: UInt32(port) << 16 | UInt32(size) << 4 | (isInput ? 1 : 0))
}
