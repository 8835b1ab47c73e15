/// Entries of Intel's extended page tables (Intel SDM volume 3C, section 29.3.2; 28.3.2 in editions before 2023). Accessed
/// and dirty flags are off, so that the processor never writes to a table.
public enum EPTFormat: PageTableFormat {
    static let read: UInt64 = 1 << 0
    static let write: UInt64 = 1 << 1
    static let execute: UInt64 = 1 << 2

    public static func table(at physical: UInt64, level: Int) -> UInt64 { physical | read | write | execute }
    /// The memory type is in bits 5:3. Bit 6, "ignore PAT", is 0: the guest's own PAT may make a page less cacheable.
    public static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64 {
        physical | read | (access.write ? write : 0) | (access.execute ? execute : 0)
            | UInt64(access.memoryType.rawValue) << 3 | (level > 1 ? large : 0)
    }
    /// Any of the three permissions makes an entry present (section 29.3.2).
    public static func isPresent(_ entry: UInt64) -> Bool { entry & (read | write | execute) != 0 }

    /// The extended-page-table pointer of a VMCS (Intel SDM volume 3C, section 25.6.11): four levels, tables read as
    /// write-back memory, accessed and dirty flags off.
    /// - Parameter root: physical address of the root table, a multiple of 4 KiB.
    public static func pointer(root: UInt64) -> UInt64 { root | UInt64(MemoryType.writeBack.rawValue) | (4 - 1) << 3 }
}
