import X86

/// Entries of AMD's I/O page tables, version 1 (specification 48882, section 2.2.3). A leaf of any level has the next level
/// 0 and covers what one entry of its level does. All accesses are made coherent (FC, bit 60).
public enum AMDViPageFormat: PageTableFormat {
    static let present: UInt64 = 1 << 0
    static let forceCoherent: UInt64 = 1 << 60
    static let read: UInt64 = 1 << 61
    static let write: UInt64 = 1 << 62

    public static func table(at physical: UInt64, level: Int) -> UInt64 {
        physical | present | read | write | UInt64(level) << 9
    }
    public static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64 {
        physical | present | forceCoherent | read | (access.write ? write : 0)
    }
    public static func isLeaf(_ entry: UInt64, level: Int) -> Bool { entry >> 9 & 7 == 0 }
}
