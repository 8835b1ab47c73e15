import Records
import X86

/// The guest state in a record of an entry that VMX refused.
struct RecordedState: VMCSReader {
    private var fields: [UInt32: UInt64] = [:]
    let rules: EntryRules
    /// The exit-reason field.
    let exitReason: UInt64

    init(_ record: CrashRecord) {
        for i in 0..<InvalidStateRecord.fieldCount {
            let (word, shift) = InvalidStateRecord.place(i)
            let field = InvalidStateRecord.field(i)
            // Bits 14:13 of an encoding are the width: 0 for 16 bits, 2 for 32 bits.
            let mask: UInt64 = field >> 13 & 1 == 0 ? 0xFFFF_FFFF : .max
            fields[field] = record.words[word] >> shift & mask
        }
        let raw = (0..<6).map { record.words[InvalidStateRecord.rulesWord + $0] }
        rules = EntryRules(
            cr0Fixed0: raw[0], cr0Fixed1: raw[1], cr4Fixed0: raw[2], cr4Fixed1: raw[3], misc: raw[4],
            physicalBits: Int(raw[5] & 0xFF), linearBits: Int(raw[5] >> 8 & 0xFF))
        exitReason = record[.error]
    }

    func read(_ field: UInt32) -> UInt64 { fields[field] ?? 0 }

    /// The check that failed, found by going through all of them.
    var words: String {
        guard let failure = failedEntryCheck(self, rules) else {
            return "none of the known checks fails, exit reason \(CrashReport.hex(exitReason))"
        }
        let value = CrashReport.hex(read(failure.field))
        return "\(failure.subject) \(value): \(failure.problem) (SDM volume 3C, \(failure.section))"
    }
}
