import Control
import Platform
import Virtio

@testable import DeviceModel

/// A partition's device model, its page, and everything that is mapped for it.
final class TestModel {
    static let memorySize = 1 << 20
    let memory = UnsafeMutableRawPointer.allocate(byteCount: memorySize, alignment: 4096)
    let rings = UnsafeMutableRawPointer.allocate(byteCount: PartitionRings.frames * 4096, alignment: 4096)
    let output = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 4096)
    private let seals = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 4096)
    let halves = UnsafeMutableRawPointer.allocate(byteCount: 2 * Int(WireHalf.size), alignment: 4096)
    private var bus = GuestBus(hostBridge: 0x29C0_8086, memorySize: UInt64(memorySize))
    private var model: DeviceModel?
    var page: ModelPage
    var now: UInt64 = 1_000_000

    /// - Parameter other: whose wire leads here too.
    init(_ functions: [ModelFunction], counters: WireCounters = WireCounters(), other: TestModel? = nil) throws {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.memorySize)
        rings.initializeMemory(as: UInt8.self, repeating: 0, count: PartitionRings.frames * 4096)
        output.initializeMemory(as: UInt8.self, repeating: 0, count: 8192)
        halves.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Int(WireHalf.size))
        let base = UInt64(UInt(bitPattern: other?.halves ?? halves))
        let own = base + (other == nil ? 0 : WireHalf.size), peer = base + (other == nil ? WireHalf.size : 0)
        for function in functions {
            let isWire = function.kind == VirtioKind.network.rawValue
            let isPort = function.kind == VirtioKind.port.rawValue && !function.isControl
            let port = ModelFunction.port("telemetry", mayKick: function.mayKick, own: own, peer: own + WireHalf.size)
            let card = ModelFunction.network(
                mac: 2, mtu: 1500, rate: function.rate, mayKick: function.mayKick, seal: function.seal, own: own,
                peer: peer)
            try bus.append(isWire ? card : isPort ? port : function)
        }
        page = ModelPage(
            isIntel: false, memory: UInt64(UInt(bitPattern: memory)), memorySize: UInt64(Self.memorySize),
            rings: UInt64(UInt(bitPattern: rings)), ticksPerSecond: 1_000_000, count: functions.count,
            functions: bus.model, counters: .init(repeating: counters))
        page.room = [ModelMemory.pieceSize, 2048]
        model = unsafe DeviceModel(
            page, output: UInt64(UInt(bitPattern: output)), seals: UInt64(UInt(bitPattern: seals)))
    }
    deinit { for part in [memory, rings, output, seals, halves] { part.deallocate() } }

    func answer(_ call: ModelCall) -> UInt64 {
        page.call = call
        model?.answer(&page, now: { now }, random: { UInt64.random(in: 0 ... .max) })
        return page.answer
    }
    func serve() { _ = answer(.serve) }
    @discardableResult
    func port(_ function: Int = 0, _ offset: Int, _ size: Int, _ value: UInt32? = nil) -> UInt64? {
        let port = GuestWindows.ports + UInt16(function * GuestWindows.virtioPorts + offset)
        return bus.call(for: PortAccess(port: port, size: size, input: value == nil), value: value ?? 0).map(answer)
    }
    @discardableResult
    func configuration(_ function: Int = 0, _ offset: Int, _ value: UInt64? = nil, size: Int = 4) -> UInt64? {
        let address = GuestWindows.ecam + UInt64(0xF8 + function) << 12 + UInt64(offset)
        return bus.call(memory: address, size: size, value: value).map(answer)
    }
    func page(_ function: Int, _ offset: Int, _ value: UInt64) {
        let base = bus.model[function].page
        _ = bus.call(memory: base + UInt64(offset), size: 4, value: value).map(answer)
    }

    /// Brings a function's queues of 32 up, which lie at 10000h, 12000h and so on; vector 0 interrupts the core with APIC id 3.
    /// - Parameter isPort: whether it has two more, and its driver opens the port.
    func start(_ function: Int = 0, isPort: Bool = false) {
        configuration(function, 4, 7, size: 2)
        configuration(function, 0x42, 0x8000, size: 2)
        for (entry, value) in [0xFEE0_3000, 0, 0x41, 0].enumerated() { page(function, entry * 4, UInt64(value)) }
        for value in [0, 3] as [UInt32] { port(function, 0x14, 1, value) }
        port(function, 0x08, 4, 0)
        port(function, 0x0C, 4, isPort ? 2 : 0)
        port(function, 0x08, 4, 1)
        port(function, 0x0C, 4, 1)
        port(function, 0x14, 1, 0x0B)
        for queue in 0..<(isPort ? 4 : 2) as Range<UInt32> {
            port(function, 0x16, 2, queue)
            port(function, 0x18, 2, 32)
            for (offset, area) in [(0x20, 0), (0x28, 0x800), (0x30, 0x1000)] as [(Int, UInt32)] {
                port(function, offset, 4, 0x1_0000 + queue * 0x2000 + area)
            }
            port(function, 0x1A, 2, 0)
            port(function, 0x1C, 2, 1)
        }
        port(function, 0x14, 1, 0x0F)
        guard isPort else { return }
        for index in 0..<4 as Range<UInt16> { offer(2, 0x3000 + UInt64(index) * 64, 64, index: index) }
        // Ready, the port too, and open.
        for (index, word) in [0x1_0000_FFFF_FFFF, 0x1_0003_0000_0000, 0x1_0006_0000_0000].enumerated() {
            memory.storeBytes(of: UInt64(word), toByteOffset: 0x2000, as: UInt64.self)
            offer(3, 0x2000, 8, index: UInt16(index))
            port(function, 0x60, 2, 3)
        }
    }

    /// Offers one buffer at `address` to queue 0 or 2, to be written, or to queue 1 or 3.
    func offer(_ queue: Int, _ address: UInt64, _ length: Int, index: UInt16) {
        let area = 0x1_0000 + queue * 0x2000, slot = Int(index & 31)
        memory.storeBytes(of: address, toByteOffset: area + slot * 16, as: UInt64.self)
        let rest = UInt64(length) | (queue & 1 == 0 ? 2 : 0) << 32
        memory.storeBytes(of: rest, toByteOffset: area + slot * 16 + 8, as: UInt64.self)
        memory.storeBytes(of: index & 31, toByteOffset: area + 0x804 + slot * 2, as: UInt16.self)
        memory.storeBytes(of: index &+ 1, toByteOffset: area + 0x802, as: UInt16.self)
    }
    func used(_ queue: Int) -> UInt16 { memory.load(fromByteOffset: 0x1_1002 + queue * 0x2000, as: UInt16.self) }
    /// What the console has sent, or the management link.
    func sent(isControl: Bool = false) -> [UInt8] {
        let start = output + (isControl ? 4096 : 0), count = start.load(as: Int.self)
        return [UInt8](UnsafeRawBufferPointer(start: start + 16, count: count))
    }
}
