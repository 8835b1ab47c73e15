import Reports
import Testing
import X86

@Suite struct SelfCheckTests {
    private func word(_ failing: ProtectionItem? = nil) -> UInt64 {
        var report = ProtectionReport()
        report.check(.cr0, failing == .cr0 ? 0 : 0x8001_0033, is: 0x8001_0033)
        report.check(.nestedTables, 1, is: 1)
        report.check(.nestedTables, failing == .nestedTables ? 0x6000 : 0x5000, is: 0x5000)
        return report.word
    }

    @Test func whatWasWrongOnceStaysWrong() {
        var report = ProtectionReport()
        report.check(.efer, 0x1D00, is: 0x1D00)
        #expect(report.read == 1 << 3 && report.failed == 0)
        report.check(.efer, 0x1500, is: 0x1D00)
        report.check(.efer, 0x1D00, is: 0x1D00)
        #expect(ProtectionReport(word: report.word).failed == 1 << 3)
        report.check(.remapping, 1, is: 0)
        #expect(report.read == 0x8008 && report.failed == 0x8008)
        // As it has always travelled; items from 16 on follow above.
        #expect(report.word == 0x8008_8008)
        report.check(.resources, 0, is: 1)
        #expect(report.word == 0x1_0001_8008_8008 && report.read == 0x1_8008 && report.failed == 0x1_8008)
    }

    @Test(arguments: [nil, .cr0, .nestedTables] as [ProtectionItem?]) func eachRowTurnsRed(_ item: ProtectionItem?) {
        var report = SelfCheckReport()
        report.add("work", 0b1100, [word(), word(item)])
        #expect(report.rows.count == 4)
        #expect(report.rows.filter { !$0.ok }.map(\.core) == (item == nil ? [] : [3]))
        #expect(report.isGood == (item == nil))
    }

    @Test func aCoreThatDoesNotAnswerIsNotGood() {
        var report = SelfCheckReport()
        report.add("work", 0b110, [word(), 0])
        #expect(!report.isGood && report.text.contains("does not answer") && report.rows.last?.core == 2)
    }

    @Test func nothingReadIsNotGood() {
        #expect(!SelfCheckReport().isGood)
    }
}
