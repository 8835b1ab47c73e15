import CrashReports
import Records
import Remapping
import Testing
import Text

@Suite struct CrashRecordTests {
    private func record() -> CrashRecord {
        var record = CrashRecord()
        record[.sequence] = 7
        record.setPlace(.hypervisorFault, vector: 14, core: 3, vcpu: 1)
        record.setPartition("controller")
        record[.guestRegisters, 14] = 0xF15
        record.seal()
        return record
    }

    @Test func whatIsWrittenIsRead() {
        var record = record()
        #expect(record.isValid && CrashRecord.mayBegin(with: record.words[0]))
        #expect(record.kind == .hypervisorFault && record.vector == 14 && record.core == 3 && record.vcpu == 1)
        #expect(record.partition == ("controller" as Text<31>) && record[.sequence] == 7)
        #expect(!record.hasFrame && !record.hasGuest)
        record.addFrame()
        record.addGuest(cs: 0x1_0010, .intel)
        #expect(record.hasFrame && record.hasGuest && record.guestCS == 0x10 && record.vendor == .intel)
        #expect(record.kind == .hypervisorFault && record.core == 3)
    }

    @Test func theBootCodeHasNeitherCoreNorVCPU() {
        var record = CrashRecord()
        record.setPlace(.bootFault, vector: 6, core: nil, vcpu: nil)
        #expect(record.core == nil && record.vcpu == nil && record.kind == .bootFault)
    }

    @Test func devicesFaultsAndOtherRecordsLeaveEachOther() {
        for index in 0..<8 as Range<UInt64> {
            #expect(CrashKind.deviceFault.mayReplace(.violation, at: index) == (index >= 4))
            #expect(CrashKind.deviceFault.mayReplace(.deviceFault, at: index) == (index >= 4))
            #expect(CrashKind.violation.mayReplace(nil, at: index) && CrashKind.violation.mayReplace(.panic, at: index))
            #expect(!CrashKind.violation.mayReplace(.deviceFault, at: index))
        }
    }

    @Test func aDeviceIsWhoItIs() {
        var fault = DeviceFault(), record = CrashRecord()
        (fault.requester, fault.address, fault.isWrite, fault.reason) = (0x18, 0xFFFF_F000, true, 5)
        record.setDevice(fault)
        #expect(record.requester == 0x18 && record[.detail] == 0xFFFF_F000 && record[.error] == 0x501_0018)
    }

    /// One bit anywhere, or words that firmware has written over.
    @Test func aChangedRecordIsNone() {
        for word in 0..<CrashRecord.wordCount {
            for bit: UInt64 in [0, 17, 40, 63] {
                var changed = record()
                changed.words[word] ^= 1 << bit
                #expect(!changed.isValid, "word \(word), bit \(bit)")
            }
        }
        #expect(!CrashRecord().isValid)
        var ones = CrashRecord()
        ones.words = .init(repeating: .max)
        #expect(!ones.isValid)
    }

    @Test func aLostCoreIsNamedByItsVCPU() {
        var record = CrashRecord()
        record.setPlace(.coreLost, core: 2, vcpu: 0)
        record.setPartition("controller")
        record.addGuest(cs: 0x10, .amd)
        record[.detail] = 3
        let text = CrashReport(record, nil).text
        #expect(text.hasPrefix("core lost: core 2, partition controller, vCPU 0 (record 0)"))
        #expect(text.contains("the core of vCPU 3 did not answer"))
    }

    @Test func anUnknownKindIsNotMistaken() {
        var record = record()
        record[.place] |= 0xFF
        record.seal()
        #expect(record.isValid && record.kind == nil)
    }

    @Test func longNamesAreCutAndShortOnesEnd() {
        var record = CrashRecord()
        record.setPartition("abcdefghijklmnopqrstuvwxyz01234")
        #expect(record.partition == ("abcdefghijklmnopqrstuvwx" as Text<31>))
        #expect(CrashRecord().partition.isEmpty)
    }

    /// The words do not run into each other.
    @Test func theFieldsLieApart() {
        let fields: [(CrashField, Int)] = [
            (.sequence, 1), (.place, 1), (.origin, 1), (.error, 1), (.tsc, 1), (.uptime, 1), (.bootTime, 1),
            (.detail, 1),
            (.cr2, 1), (.imageOffset, 1), (.rsp, 1), (.rflags, 1), (.cr3, 1), (.registers, 15), (.guestRegisters, 15),
            (.guestRIP, 1), (.guestRSP, 1), (.guestRFLAGS, 1), (.guestCR0, 1), (.guestCR3, 1), (.guestCR4, 1),
            (.guestEFER, 1), (.exitCodes, 2), (.exitRIPs, 8), (.partition, 3),
        ]
        let words = [0] + fields.flatMap { $0.rawValue..<$0.rawValue + $1 }
        #expect(words.sorted() == Array(0..<CrashRecord.wordCount))
    }

    @Test func recentExitsAreOldestFirst() {
        var exits = ExitHistory(), record = CrashRecord()
        for i in 1...3 { exits.note(UInt64(i), at: UInt64(i) * 0x1000) }
        exits.write(to: &record)
        #expect(record[.exitCodes] == .max && record[.exitCodes, 1] == 0x0003_0002_0001_FFFF)
        #expect(record[.exitRIPs, 5] == 0x1000 && record[.exitRIPs, 7] == 0x3000)
        for i in 4...10 { exits.note(UInt64(i), at: UInt64(i)) }
        record = CrashRecord()
        exits.write(to: &record)
        #expect(record[.exitCodes] == 0x0006_0005_0004_0003 && record[.exitCodes, 1] == 0x000A_0009_0008_0007)
        #expect(record[.exitRIPs, 0] == 0x3000 && record[.exitRIPs, 7] == 10)
    }
}
