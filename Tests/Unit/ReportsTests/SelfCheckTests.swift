import Reports
import Testing
import X86

@Suite struct SelfCheckTests {
    private func word(_ failing: ProtectionItem? = nil, count: UInt32) -> UInt64 {
        var report = ProtectionReport()
        report.check(.cr0, 0x8001_0033, is: failing == .cr0 ? 0 : 0x8001_0033)
        report.check(.nestedTables, 1, is: 1)
        report.check(.nestedTables, 0x5000, is: failing == .nestedTables ? 0x6000 : 0x5000)
        return report.word(count: count)
    }

    @Test func aMaskLeavesBitsOut() {
        var report = ProtectionReport()
        report.check(.efer, 0x1D01, mask: 0x1D00, is: 0x1D00)
        #expect(report.read == 1 << 3 && report.failed == 0)
        report.check(.efer, 0x1501, mask: 0x1D00, is: 0x1D00)
        #expect(report.failed == 1 << 3)
        // What was wrong once stays wrong.
        report.check(.efer, 0x1D00, is: 0x1D00)
        #expect(ProtectionReport(word: report.word(count: 7)).failed == 1 << 3)
    }

    @Test(arguments: [nil, .cr0, .nestedTables] as [ProtectionItem?]) func eachRowTurnsRed(_ item: ProtectionItem?) {
        var report = SelfCheckReport()
        report.add("work", 0b1100, [word(count: 2), word(item, count: 2)], since: [word(count: 1), word(count: 1)])
        #expect(report.rows.count == 4)
        #expect(report.rows.filter { !$0.ok }.map(\.core) == (item == nil ? [] : [3]))
        #expect(report.isGood == (item == nil))
    }

    @Test func aCoreThatDoesNotAnswerIsNotGood() {
        var report = SelfCheckReport()
        report.add("work", 0b10, [word(count: 1)], since: [word(count: 1)])
        #expect(!report.isGood && report.text.contains("does not answer"))
    }

    @Test func nothingReadIsNotGood() {
        #expect(!SelfCheckReport().isGood)
    }
}
