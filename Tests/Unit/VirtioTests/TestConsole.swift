import Text
import UnitSupport

@testable import Platform
@testable import Virtio

/// The console's other end: bytes in arrays.
final class TestStream: VirtioStream {
    var output: [UInt8] = []
    var input: [UInt8] = []
    /// How much more is taken.
    var room = Int.max

    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, room)
        output += bytes.prefix(count)
        room -= count
        return count
    }
    func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count, input.count)
        bytes.copyBytes(from: input.prefix(count))
        input.removeFirst(count)
        return count
    }
    var hasBytes: Bool { !input.isEmpty }
}

/// A guest with a virtio console, and its driver: what Linux' drivers do, and what a hostile one may.
final class TestConsole {
    static let memorySize = 1 << 20
    /// Of queue n: descriptors, driver area and device area in a page of their own; buffers from `buffers` on.
    static func area(_ queue: Int) -> UInt64 { UInt64(0x1_0000 + queue * 0x2000) }
    static let buffers: UInt64 = 0x4_0000
    static let size: UInt16 = 32
    static let features: UInt64 = VirtioFeature.version1 | VirtioFeature.eventIndex

    private let base = UnsafeMutableRawPointer.allocate(byteCount: memorySize, alignment: 4096)
    private var bus = TestBus(memorySize: UInt64(memorySize))
    let stream = TestStream()
    /// The driver's index of each queue.
    var added = [UInt16](repeating: 0, count: 4)

    init() throws {
        base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.memorySize)
        try bus.append(.console)
    }
    /// With a network card instead.
    init(mac: UInt64, mtu: UInt16) throws {
        base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.memorySize)
        try bus.append(.network(mac: mac, mtu: mtu))
    }
    /// With one generic port instead.
    init(port name: Text<31>) throws {
        base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.memorySize)
        try bus.append(.port(name))
    }
    deinit { base.deallocate() }

    var isLive: Bool { bus.isLive(0) }
    var isInUse: Bool { bus.isInUse(0) }
    var hasOutput: Bool {
        bus.hasOutput(0, GuestMemory(base: base, size: UInt64(Self.memorySize)))
    }
    func nextInterrupt() -> GuestMessage? { bus.nextInterrupt(0) }
    func reset() { bus.reset() }
    func serve(limit: Int = 32 << 10) -> VirtioProgress {
        var stream = stream
        return bus.serve(console: &stream, limit: limit, GuestMemory(base: base, size: UInt64(Self.memorySize)))
    }

    func serve(_ wire: inout Wire, mayPass: (Int) -> Bool) -> VirtioProgress {
        bus.serve(&wire, GuestMemory(base: base, size: UInt64(Self.memorySize)), mayPass: mayPass)
    }

    func serve(port: inout PortWire, name: Text<31>) -> VirtioProgress {
        bus.serve(
            port: &port, name: name, PortWire.limit, GuestMemory(base: base, size: UInt64(Self.memorySize)))
    }

    /// Says for a queue that the device does not have whether the driver is to notify.
    func announce(_ queue: inout VirtioQueue, _ isWanted: Bool) throws {
        try queue.announce(isWanted, hasEvents: true, GuestMemory(base: base, size: UInt64(Self.memorySize)))
    }

    func port(_ offset: Int, _ size: Int, _ value: UInt32? = nil) -> UInt32? {
        let port = GuestWindows.ports + UInt16(offset)
        return bus.access(PortAccess(port: port, size: size, input: value == nil), value: value ?? 0)
    }
    func configuration(_ offset: Int, _ value: UInt32? = nil, size: Int = 4) -> UInt32 {
        let address = GuestWindows.ecam + 0xF8 << 12 + UInt64(offset)
        return UInt32(bus.access(memory: address, size: size, value: value.map(UInt64.init)) ?? 0xBAD)
    }
    func page(_ offset: Int, _ value: UInt32? = nil) -> UInt32 {
        UInt32(
            bus.access(
                memory: UInt64(configuration(0x14)) + UInt64(offset), size: 4, value: value.map(UInt64.init)) ?? 0xBAD)
    }
    func traps(_ address: UInt64) -> Bool { bus.traps(address) }
    func status() -> UInt32 { port(0x14, 1) ?? 0xBAD }

    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ at: UInt64) {
        base.storeBytes(of: value, toByteOffset: Int(at), as: T.self)
    }
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ at: UInt64, _: T.Type) -> T {
        base.loadUnaligned(fromByteOffset: Int(at), as: T.self)
    }
    func bytes(_ at: UInt64, _ count: Int) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: base + Int(at), count: count))
    }

    /// Brings the device up as Linux does (drivers/virtio/virtio.c and virtio_pci_modern.c of 6.1).
    func start(_ features: UInt64 = TestConsole.features, queues: Int = 2) {
        _ = configuration(4, 0x407, size: 2)
        _ = configuration(0x42, 0x8000, size: 2)
        _ = port(0x14, 1, 0)
        _ = port(0x14, 1, 1)
        _ = port(0x14, 1, 3)
        for half in 0..<2 as Range<UInt32> {
            _ = port(0x08, 4, half)
            _ = port(0x0C, 4, UInt32(truncatingIfNeeded: features >> UInt64(32 * half)))
        }
        _ = port(0x14, 1, 0x0B)
        for queue in 0..<queues {
            for (entry, value) in [0xFEE0_0000, 0, UInt32(0x40 + queue), 0].enumerated() {
                _ = page((queue + 1) * 16 + entry * 4, value)
            }
            _ = port(0x16, 2, UInt32(queue))
            _ = port(0x18, 2, UInt32(Self.size))
            for (offset, area) in [(0x20, 0), (0x28, 0x800), (0x30, 0x1000)] as [(Int, UInt64)] {
                _ = port(offset, 4, UInt32(Self.area(queue) + area))
                _ = port(offset + 4, 4, 0)
            }
            _ = port(0x1A, 2, UInt32(queue + 1))
            _ = port(0x1C, 2, 1)
        }
        _ = port(0x14, 1, 0x0F)
    }

    func describe(_ queue: Int, _ index: Int, _ address: UInt64, _ length: UInt32, _ flags: UInt16, next: UInt16 = 0) {
        let at = Self.area(queue) + UInt64(index) * 16
        store(address, at)
        store(UInt64(length) | UInt64(flags) << 32 | UInt64(next) << 48, at + 8)
    }
    /// Offers the chain that begins with descriptor `head`.
    /// - Returns: whether the driver notifies (section 2.7.10.1), where it looks at an index.
    @discardableResult
    func offer(_ queue: Int, _ head: UInt16) -> Bool {
        let driver = Self.area(queue) + 0x800
        store(head, driver + 4 + UInt64(added[queue] & (Self.size - 1)) * 2)
        added[queue] &+= 1
        store(added[queue], driver + 2)
        return wanted(queue) == added[queue] &- 1
    }
    func used(_ queue: Int) -> UInt16 { load(Self.area(queue) + 0x1002, UInt16.self) }
    func usedLength(_ queue: Int, _ index: UInt16) -> UInt32 {
        load(Self.area(queue) + 0x1008 + UInt64(index & (Self.size - 1)) * 8, UInt32.self)
    }
    /// The index at which the driver is to notify.
    func wanted(_ queue: Int) -> UInt16 { load(Self.area(queue) + 0x1004 + UInt64(Self.size) * 8, UInt16.self) }
    func wantsInterrupt(_ queue: Int, at index: UInt16) {
        store(index, Self.area(queue) + 0x804 + UInt64(Self.size) * 2)
    }

    func send(_ text: [UInt8], at address: UInt64 = buffers, head: UInt16 = 0) {
        for (i, byte) in text.enumerated() { store(byte, address + UInt64(i)) }
        describe(1, Int(head), address, UInt32(text.count), 0)
        offer(1, head)
    }
}
