import Testing
import X86

@Suite struct MachineCheckStatusTests {
    private static let valid: UInt64 = 1 << 63, uncorrected: UInt64 = 1 << 61, corrupt: UInt64 = 1 << 57

    @Test(
        arguments: [
            (0, MachineCheckStatus.Severity.none), (uncorrected | corrupt, .none), (valid, .corrected),
            (valid | 0xFFFF, .corrected), (valid | uncorrected, .uncorrected), (valid | corrupt, .contextCorrupt),
            (valid | uncorrected | corrupt, .contextCorrupt), (~uncorrected & ~corrupt, .corrected),
        ] as [(UInt64, MachineCheckStatus.Severity)])
    func howBadItIs(_ status: UInt64, _ severity: MachineCheckStatus.Severity) {
        #expect(MachineCheckStatus(rawValue: status).severity == severity)
    }

    @Test func theAddressIsThereWhenItSaysSo() {
        #expect(MachineCheckStatus(rawValue: 1 << 58).hasAddress)
        #expect(!MachineCheckStatus(rawValue: ~(1 << 58)).hasAddress)
    }

    /// Valid, uncorrected, with MCi_MISC and MCi_ADDR: of a patrol scrub, say.
    private static let known: UInt64 = valid | uncorrected | 1 << 59 | 1 << 58
    private static let recoverable: UInt64 = 1 << 24, physical: UInt64 = 2 << 6

    @Test func memoryIsNamedByAPhysicalAddress() {
        func memory(_ status: UInt64, misc: UInt64 = Self.physical | 6, _ capability: UInt64 = Self.recoverable)
            -> UInt64?
        {
            MachineCheckStatus(rawValue: status).physicalAddress(0x1_2345_67FF, misc: misc, capability: capability)
        }
        let known = Self.known
        #expect(memory(known) == 0x1_2345_67C0, "six low bits do not count")
        #expect(memory(known, misc: Self.physical | 12) == 0x1_2345_6000)
        #expect(memory(known, misc: Self.physical | 63) == 0)
        #expect(memory(known, misc: Self.physical) == 0x1_2345_67FF)
        // Segment offset, linear, memory address (of a module), reserved, generic.
        for mode: UInt64 in [0, 1, 3, 4, 5, 6, 7] { #expect(memory(known, misc: mode << 6 | 6) == nil) }
        for bit: UInt64 in [58, 59] { #expect(memory(known & ~(1 << bit)) == nil) }
        #expect(memory(known | 1 << 62) == nil, "the bank stands for another error as well")
        #expect(memory(known, 0) == nil, "MCi_MISC has another format")
    }
}
