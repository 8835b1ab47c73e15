/// Where a guest's own page tables of four levels lead (AMD64 APM volume 2, section 5.3): what lies behind one address.
public struct GuestPage: Sendable {
    /// The guest-physical address behind the very address that was asked for.
    public let physical: UInt64
    /// Bytes from there to the end of the page.
    public let size: UInt64
    public let isWritable: Bool
    public let isExecutable: Bool

    /// Nil where nothing is mapped, or a table lies outside of the guest's memory.
    /// - Parameter read: eight bytes at a guest-physical address; nil outside of memory.
    public init?(_ virtual: UInt64, cr3: UInt64, read: (UInt64) -> UInt64?) {
        let address: UInt64 = 0x000F_FFFF_FFFF_F000
        var table = cr3 & address, shift: UInt64 = 39, rights: UInt64 = 2, noExecute: UInt64 = 0
        while true {
            guard let entry = read(table | (virtual >> shift & 511) << 3), entry & 1 != 0 else { return nil }
            rights &= entry
            noExecute |= entry >> 63
            let span: UInt64 = 1 << shift, isLeaf = shift == 12 || shift < 39 && entry & 1 << 7 != 0
            if isLeaf {
                physical = entry & address & ~(span - 1) | virtual & (span - 1)
                size = span - virtual & (span - 1)
                (isWritable, isExecutable) = (rights != 0, noExecute == 0)
                return
            }
            table = entry & address
            shift -= 9
        }
    }
}
