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
}
