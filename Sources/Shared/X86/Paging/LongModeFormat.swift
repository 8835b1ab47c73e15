/// Entries of the processor's own four-level tables (AMD64 APM volume 2, section 5.3.3).
public enum LongModeFormat: PageTableFormat {
    static let present: UInt64 = 1 << 0
    static let write: UInt64 = 1 << 1
    static let user: UInt64 = 1 << 2
    /// Page-level cache disable: uncached whatever the MTRRs say, but for write combining (section 7.8.2).
    static let cacheDisable: UInt64 = 1 << 4
    /// Accessed and dirty are set beforehand, so that the processor never writes to a table.
    static let accessedDirty: UInt64 = 1 << 5 | 1 << 6
    static let noExecute: UInt64 = 1 << 63

    public static func table(at physical: UInt64, level: Int) -> UInt64 { physical | present | write | 1 << 5 }
    public static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64 {
        physical | present | accessedDirty | (level > 1 ? large : 0) | (access.write ? write : 0)
            | (access.execute ? 0 : noExecute) | (access.memoryType == .uncacheable ? cacheDisable : 0)
    }
}

/// Entries of SVM's nested tables: long-mode entries in which every access counts as a user's (section 15.25.5).
public enum NestedFormat: PageTableFormat {
    public static func table(at physical: UInt64, level: Int) -> UInt64 {
        LongModeFormat.table(at: physical, level: level) | LongModeFormat.user
    }
    public static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64 {
        LongModeFormat.leaf(at: physical, level: level, access: access) | LongModeFormat.user
    }
}
