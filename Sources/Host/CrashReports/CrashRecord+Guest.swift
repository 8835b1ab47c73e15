import Records
import X86

/// What the tool alone reads of a record.
extension CrashRecord {
    /// The guest's code segment.
    public var guestCS: UInt16 { UInt16(truncatingIfNeeded: self[.place] >> 48) }
    /// Whose processor the exit codes are of.
    public var vendor: Vendor { self[.place] >> 34 & 1 != 0 ? .intel : .amd }
}
