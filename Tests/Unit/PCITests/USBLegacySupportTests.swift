import PCI
import Testing

/// The registers of an xHCI controller, which behave as its specification says (1.2, sections 7 and 7.1). No emulator that
/// is used here has this capability.
private final class Controller: ConfigurationSpace, RegisterAccess {
    var registers: [UInt64: UInt32] = [:]
    var mistakes: [UInt64] = []
    /// For how many reads firmware keeps the controller after it was asked for it; nil: for ever.
    var readsUntilGiven: Int? = 3
    var smis = 0
    private var wasAsked = false
    static let base: UInt64 = 0x6_0000_0000
    var size: UInt64 = 0x1_0000

    /// - Parameter list: offset, capability id, and the distance to the next in doublewords.
    init(first: UInt64, _ list: [(UInt64, UInt32, UInt32)]) {
        registers[0x10] = UInt32(first / 4) << 16 | 0x7FC1
        for (at, id, next) in list { registers[at] = id | next << 8 }
    }

    static func legacy(at offset: UInt64) -> Controller {
        let controller = Controller(first: offset - 16, [(offset - 16, 2, 4), (offset, 1, 4)])
        controller.registers[offset + 16] = 0x02
        controller.registers[offset]? |= 1 << 16
        // SMIs are enabled, for the change of owner too; reserved bits are set, events have come.
        controller.registers[offset + 4] = 0xE00E_FFFF
        return controller
    }

    func find() throws -> USBLegacySupport {
        try USBLegacySupport(BaseAddress(.memory64, address: Self.base, size: size), on: self)
    }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        mistakes.append(UInt64(offset))
        return .max
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) { mistakes.append(UInt64(offset)) }
    func readRegister(_ address: UInt64, size: Int) -> UInt64 {
        if size != 4 { mistakes.append(address) }
        return UInt64(read(address &- Self.base))
    }
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) {
        if size != 4 { mistakes.append(address) }
        write(address &- Self.base, UInt32(truncatingIfNeeded: value))
    }

    func read(_ at: UInt64) -> UInt32 {
        if at & 3 != 0 || at + 4 > size { mistakes.append(at) }
        if wasAsked, let left = readsUntilGiven {
            readsUntilGiven = left - 1
            if left == 0 {
                for (key, value) in registers where value & 0xFF == 1 { registers[key] = value & ~(1 << 16) }
            }
        }
        return registers[at] ?? 0
    }

    func write(_ at: UInt64, _ value: UInt32) {
        if at & 3 != 0 || at + 4 > size { mistakes.append(at) }
        let old = registers[at] ?? 0
        if old & 0xFF == 1 {
            if old & 1 << 24 == 0, value & 1 << 24 != 0 {
                wasAsked = true
                if (registers[at + 4] ?? 0) & 1 << 13 != 0 { smis += 1 }
            }
            registers[at] = old & 0xFFFF | value & (1 << 24 | 1 << 16)
        } else {
            // Events are cleared by ones.
            registers[at] = value & ~(7 << 29) | old & ~value & 7 << 29
        }
    }
}

private final class Noise: ConfigurationSpace, RegisterAccess {
    var reads = 0
    var mistakes = 0
    private var random: UInt64 = 7

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        reads += 1
        if offset & 3 != 0 || !(0x40...0xF8).contains(offset) { mistakes += 1 }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(random >> 33) & 0x0101_FCFF
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) { mistakes += 1 }

    func readRegister(_ address: UInt64, size: Int) -> UInt64 {
        reads += 1
        if address & 3 != 0 || address > 0x2000 - 4 { mistakes += 1 }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random >> 33 & (address == 0x10 ? 0x03FF_FFFF : 0x0101_07FF)
    }
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) { mistakes += 1 }
}

@Suite struct USBLegacySupportTests {
    @Test func itIsFoundWhereverItIs() throws {
        for offset in [0x8010, 0x8460, 0x8FFC] as [UInt64] {
            let controller = Controller.legacy(at: offset)
            let found = try controller.find()
            #expect(found.offset == offset && controller.mistakes == [])
            #expect(found.has(offset, size: 1) && found.has(offset + 7, size: 1) && found.has(offset - 4, size: 8))
            #expect(!found.has(offset - 4, size: 4) && !found.has(offset + 8, size: 4))
        }
        // QEMU's list: two protocols.
        let none = try Controller(first: 0x20, [(0x20, 2, 4), (0x30, 2, 0)]).find()
        #expect(none.offset == 0 && !none.has(0, size: 8))
        #expect(try Controller(first: 0, []).find().offset == 0)
    }

    static let hostile: [(String, UInt64, [(UInt64, UInt32, UInt32)])] = [
        ("beyond the registers", 0x1_0000, []),
        ("at their very end", 0xFFFC, []),
        ("over the capability registers", 0x10, []),
        ("leads out of them", 0xFF00, [(0xFF00, 2, 0xFF)]),
        ("twice", 0x100, [(0x100, 1, 4), (0x110, 1, 0)]),
        ("more than there is room for", 0x100, (0..<300).map { (0x100 + $0 * 4, 2, 1) }),
    ]

    @Test(arguments: hostile) func listsThatHideSomethingAreRefused(
        _ words: String, _ first: UInt64, _ list: [(UInt64, UInt32, UInt32)]
    ) {
        let controller = Controller(first: first, list)
        #expect(throws: USBLegacySupport.ListError.unreadable, "\(words)") { try controller.find() }
        #expect(controller.mistakes == [], "\(words)")
    }

    @Test func whatDoesNotAnswerIsRefused() {
        let controller = Controller(first: 0, [])
        controller.registers[0x10] = .max
        #expect(throws: USBLegacySupport.ListError.unreadable) { try controller.find() }
        controller.registers = [:]
        controller.size = 0x10
        #expect(throws: USBLegacySupport.ListError.unreadable) { try controller.find() }
    }

    /// Whatever each read gives.
    @Test func everyListEnds() {
        let noise = Noise()
        for _ in 0..<500 {
            noise.reads = 0
            _ = try? USBLegacySupport(BaseAddress(.memory64, address: 0, size: 0x2000), on: noise)
            #expect(noise.reads <= 257 && noise.mistakes == 0)
            noise.reads = 0
            _ = try? USBLegacySupport(
                ehci: 0x80, BaseAddress(.memory32, address: 0, size: 0x1000), on: noise)
            #expect(noise.reads <= 257 && noise.mistakes == 0)
        }
    }

    @Test func firmwareIsAsked() throws {
        let controller = Controller.legacy(at: 0x8460)
        var waited = 0
        try controller.find().take(on: controller) { waited += Int($0) }
        #expect(controller.smis == 1, "with its SMI still enabled, which is how it hears of it")
        #expect(1000...5000 ~= waited)
        #expect(controller.registers[0x8460] == 0x0100_0401)
        #expect(controller.registers[0x8464] == 0x000E_1FEE, "no SMI, no event; what is reserved as it was")
    }

    @Test func firmwareThatDoesNotAnswerLosesIt() throws {
        let controller = Controller.legacy(at: 0x8460)
        controller.readsUntilGiven = nil
        var waited = 0
        try controller.find().take(on: controller) { waited += Int($0) }
        #expect(waited == 1_000_000)
        #expect(controller.registers[0x8460] == 0x0100_0401 && controller.registers[0x8464] == 0x000E_1FEE)
    }

    @Test func aGuestReadsThatItIsItsOwn() throws {
        let controller = Controller.legacy(at: 0x8460)
        let found = try controller.find()
        #expect(found.shown(0x8460, size: 4, on: controller) == 0x0100_0401)
        #expect(found.shown(0x8464, size: 4, on: controller) == 0)
        #expect(found.shown(0x8462, size: 2, on: controller) == 0)
    }
}
