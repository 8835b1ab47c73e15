import X86

/// Entries of VT-d's second-level tables (VT-d specification, section 9.8).
public enum VTDPageFormat: PageTableFormat {
    static let read: UInt64 = 1 << 0
    static let write: UInt64 = 1 << 1

    public static func table(at physical: UInt64, level: Int) -> UInt64 { physical | read | write }
    public static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64 {
        physical | read | (access.write ? write : 0) | (level > 1 ? 1 << 7 : 0)
    }
    public static func isPresent(_ entry: UInt64) -> Bool { entry & (read | write) != 0 }
}
