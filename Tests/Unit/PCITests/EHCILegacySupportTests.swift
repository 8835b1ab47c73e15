import PCI
import Testing

/// An EHCI controller whose legacy support is in configuration space and behaves as its specification says (EHCI 1.0, sections
/// 2.1.7 and 2.1.8): enables are bits 5:0 and 15:13, status bits 21:16 only tell, 31:29 are cleared by ones.
private final class EHCIController: ConfigurationSpace, RegisterAccess {
    static let function: UInt16 = 0x88
    static let base: UInt64 = 0xC000_0000
    var parameters: UInt32
    var space: [Int: UInt32] = [:]
    var mistakes: [UInt64] = []
    /// For how many reads firmware keeps the controller after it was asked for it; nil: for ever.
    var readsUntilGiven: Int? = 3
    var size: UInt64 = 0x1000
    private var wasAsked = false

    /// - Parameter list: offset, capability id, and where the next is.
    init(first: UInt32, _ list: [(Int, UInt32, UInt32)]) {
        parameters = 0x80 | first << 8
        for (at, id, next) in list { space[at] = id | next << 8 }
    }
    static func legacy() -> EHCIController {
        let controller = EHCIController(first: 0x60, [(0x60, 2, 0x68), (0x68, 1, 0)])
        controller.space[0x68]? |= 1 << 16
        controller.space[0x6C] = 0xFFFF_FFFF
        return controller
    }
    func find() throws -> USBLegacySupport {
        try USBLegacySupport(
            ehci: Self.function, BaseAddress(.memory32, address: Self.base, size: size), on: self)
    }

    func readRegister(_ address: UInt64, size: Int) -> UInt64 {
        if size != 4 || address != Self.base + 8 { mistakes.append(address) }
        return UInt64(parameters)
    }
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) { mistakes.append(address) }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        if function != Self.function || size != 4 || offset & 3 != 0 { mistakes.append(UInt64(offset)) }
        if wasAsked, offset == 0x68, let left = readsUntilGiven {
            readsUntilGiven = left - 1
            if left == 0 { space[0x68]? &= ~(1 << 16) }
        }
        return space[offset] ?? 0
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        if function != Self.function || size != 4 || offset != 0x68 && offset != 0x6C {
            mistakes.append(UInt64(offset))
        }
        let old = space[offset] ?? 0
        if offset == 0x68 {
            if value & 1 << 24 != 0 { wasAsked = true }
            space[offset] = old & 0xFFFF | value & (1 << 24 | 1 << 16)
        } else {
            space[offset] = value & 0x1FC0_FFFF | old & 0x3F << 16 | old & ~value & 7 << 29
        }
    }
}

@Suite struct EHCILegacySupportTests {
    @Test func itIsFoundInConfigurationSpace() throws {
        let controller = EHCIController.legacy(), found = try controller.find()
        #expect(found.offset == 0x68 && controller.mistakes == [])
        // Nothing of BAR 0 is trapped for it.
        #expect(!found.isMapped && !found.has(0x68, size: 4))
        #expect(try EHCIController(first: 0, []).find().offset == 0)
        #expect(try EHCIController(first: 0x60, [(0x60, 2, 0)]).find().offset == 0)
    }

    static let hostile: [(String, UInt32, [(Int, UInt32, UInt32)])] = [
        ("over the header", 0x3C, []), ("at the very end", 0xFC, []), ("not aligned", 0x61, []),
        ("leads into the header", 0x60, [(0x60, 2, 0x10)]),
        ("twice", 0x60, [(0x60, 1, 0x68), (0x68, 1, 0)]), ("without an end", 0x60, [(0x60, 2, 0x68), (0x68, 2, 0x60)]),
    ]
    @Test(arguments: hostile) func listsThatHideSomethingAreRefused(
        _ words: String, _ first: UInt32, _ list: [(Int, UInt32, UInt32)]
    ) {
        let controller = EHCIController(first: first, list)
        #expect(throws: USBLegacySupport.ListError.unreadable, "\(words)") { try controller.find() }
        #expect(controller.mistakes == [], "\(words)")
    }

    @Test func whatDoesNotAnswerIsRefused() {
        let controller = EHCIController.legacy()
        controller.parameters = .max
        #expect(throws: USBLegacySupport.ListError.unreadable) { try controller.find() }
        controller.parameters = 0x6880
        controller.size = 8
        #expect(throws: USBLegacySupport.ListError.unreadable) { try controller.find() }
    }

    @Test(arguments: [3, nil] as [Int?]) func firmwareIsAskedAndNoSMIStays(_ reads: Int?) throws {
        let controller = EHCIController.legacy()
        controller.readsUntilGiven = reads
        var waited = 0
        try controller.find().take(on: controller) { waited += Int($0) }
        #expect(reads == nil ? waited == 1_000_000 : 1000...5000 ~= waited)
        #expect(controller.space[0x68] == 0x0100_0001, "the system's, whatever firmware says")
        #expect(controller.space[0x6C] == 0x1FFF_1FC0, "no SMI, no event; what is reserved as it was")
        #expect(controller.mistakes == [])
    }
}
