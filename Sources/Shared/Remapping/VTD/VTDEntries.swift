/// Entries of the tables that VT-d reads in legacy mode (VT-d specification, sections 9.1, 9.3 and 9.9).
enum VTDEntry {
    /// An entry for a table of functions, or the lower word of one for a function: present, translated by the tables at `table`,
    /// faults reported.
    static func present(_ table: UInt64) -> UInt64 { table | 1 }
    /// A function's upper word. `width` is 39 or 48.
    static func contextHigh(domain: UInt16, width: Int) -> UInt64 { UInt64(domain) << 8 | (width == 48 ? 2 : 1) }

    /// The lower word of an interrupt entry: present, edge, physical.
    /// - Parameter extended: whether destinations are x2APIC ids; otherwise they are 8 bits wide.
    static func interruptLow(vector: UInt8, to apicID: UInt32, isNMI: Bool, extended: Bool) -> UInt64 {
        let destination = UInt64(extended ? apicID : apicID << 8)
        return destination << 32 | UInt64(vector) << 16 | (isNMI ? 4 << 5 : 0) | 1
    }
    /// The upper word: all 16 bits of the requester id must match.
    static func interruptHigh(requester: UInt16) -> UInt64 { 1 << 18 | UInt64(requester) }
}

/// Descriptors of the invalidation queue (VT-d specification, section 6.5.2), lower words; the upper ones are 0.
enum VTDDescriptor {
    static let allContexts: UInt64 = 1 | 1 << 4
    /// - Parameter drains: capability bits 55:54: drain writes, drain reads.
    static func allTranslations(drains: UInt64) -> UInt64 { 2 | 1 << 4 | drains << 6 }
    static let allInterrupts: UInt64 = 4
    /// Sets the completion status register when everything before is done.
    static let wait: UInt64 = 5 | 1 << 4
}
