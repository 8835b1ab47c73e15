import Foundation
import Records
import Testing
import X86

@testable import CrashReports

/// A state that VMX refused, from the record that root mode makes of it to the words of `bulkhead crash show`.
@Suite struct InvalidStateTests {
    private func record(_ state: GuestState) -> CrashRecord {
        let rules = EntryCheckTests.rules
        var record = CrashRecord()
        record.setPlace(.invalidState, core: 2, vcpu: 1)
        record.setPartition("victim")
        record[.error] = 0x8000_0021
        InvalidStateRecord.fill(
            &record,
            rules: [
                rules.cr0Fixed0, rules.cr0Fixed1, rules.cr4Fixed0, rules.cr4Fixed1, rules.misc,
                UInt64(rules.physicalBits | rules.linearBits << 8),
            ], read: state.read)
        record.seal()
        return record
    }

    @Test(arguments: [GuestState.kernel64, .program32, .startUp, .virtual8086]) func everyFieldSurvives(
        state: GuestState
    ) {
        let record = record(state)
        #expect(record.isValid && record.core == 2 && record.partition.string == "victim")
        let recorded = RecordedState(record)
        for i in 0..<InvalidStateRecord.fieldCount {
            let field = InvalidStateRecord.field(i)
            #expect(recorded.read(field) == state.read(field), "field \(String(field, radix: 16))")
        }
        #expect(failedEntryCheck(recorded, recorded.rules) == nil)
        #expect(recorded.words == "none of the known checks fails, exit reason 0x80000021")
    }

    /// A field that a check reads and no record has would be 0 to it.
    @Test func everyFieldThatTheChecksReadIsRecorded() {
        final class Log: VMCSReader {
            let state: GuestState
            var fields: Set<UInt32> = []
            init(_ state: GuestState) { self.state = state }
            func read(_ field: UInt32) -> UInt64 {
                fields.insert(field)
                return state.read(field)
            }
        }
        let recorded = Set((0..<InvalidStateRecord.fieldCount).map(InvalidStateRecord.field))
        #expect(recorded.count == InvalidStateRecord.fieldCount)
        for state in [GuestState.kernel64, .program32, .startUp, .virtual8086] {
            let log = Log(state)
            _ = failedEntryCheck(log, EntryCheckTests.rules)
            #expect(log.fields.isSubset(of: recorded))
        }
    }

    /// The parts of the record lie side by side.
    @Test func theWordsAreItsOwn() {
        let last = InvalidStateRecord.place(InvalidStateRecord.fieldCount - 1).word
        #expect(InvalidStateRecord.place(0).word > CrashField.detail.rawValue)
        #expect(InvalidStateRecord.rulesWord == last + 1)
        #expect(InvalidStateRecord.rulesWord + 6 <= CrashField.partition.rawValue)
    }

    @Test func theReportNamesTheCheck() throws {
        var state = GuestState.kernel64
        state[VMCSField.guestCR4] &= ~(1 << 5)
        let report = CrashReport(record(state), nil)
        let words = "CR4 0x22680: IA-32e mode without PAE (SDM volume 3C, 27.3.1.1)"
        #expect(report.failedCheck == words)
        #expect(report.text.contains("invalid guest state: core 2, partition victim, vCPU 1 (record 0)"))
        #expect(report.text.contains("what        \(words)"))
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(json.contains("27.3.1.1"))
    }
}
