/// Where a kernel that runs lies in its guest's memory. Guest-physical addresses and bytes.
public struct KernelPlace: Sendable {
    public enum Part: Sendable { case text, constants, interruptTable }

    /// The first byte of text.
    public private(set) var text: UInt64 = 0
    public private(set) var textSize: UInt64 = 0
    public private(set) var constants: UInt64 = 0
    public private(set) var constantsSize: UInt64 = 0
    /// The interrupt table's page.
    public private(set) var interruptTable: UInt64 = 0

    public init() {}

    /// Finds it by its system call entry and its own page tables, which must map all of it read-only and in one piece, as the
    /// image has it. At most a step for each page of 64 MiB.
    /// - Parameter memorySize: bytes that the partition has below `lowLimit`; a kernel lies there.
    public init(
        _ table: borrowing SiteTable, entry: UInt64, interruptTable: UInt64, cr3: UInt64, lowMemory: UInt64,
        read: (UInt64) -> UInt64?
    ) throws(LockObstacle) {
        let start = entry &- table.entry
        // With page-table isolation a program's tables have little of the kernel; the kernel's own lie below them.
        var cr3 = cr3
        if GuestPage(start, cr3: cr3, read: read) == nil { cr3 &= ~0x1FFF }
        guard start & 0x1F_FFFF == 0, let first = GuestPage(start, cr3: cr3, read: read) else { throw .otherKernel }
        for part in 0..<2 {
            let from = part == 0 ? 0 : table.constantsOffset
            let size = part == 0 ? table.textSize : table.constantsSize
            var at = from
            while at < from + size {
                guard let page = GuestPage(start &+ at, cr3: cr3, read: read), page.physical == first.physical &+ at,
                    part == 1 || page.isExecutable
                else { throw .otherKernel }
                if page.isWritable { throw .notReadOnly }
                at += page.size
            }
        }
        guard let gates = GuestPage(interruptTable, cr3: cr3, read: read) else { throw .otherKernel }
        (text, textSize) = (first.physical, table.textSize)
        (constants, constantsSize) = (text &+ table.constantsOffset, table.constantsSize)
        self.interruptTable = gates.physical & ~0xFFF
        guard text <= lowMemory, lowMemory - text >= table.constantsOffset + constantsSize, gates.physical < lowMemory
        else { throw .outsideMemory }
    }

    /// The part that `address` is in; nil for memory that is not guarded.
    public func part(of address: UInt64) -> Part? {
        if address &- text < textSize { return .text }
        if address &- constants < constantsSize { return .constants }
        return textSize > 0 && address & ~0xFFF == interruptTable ? .interruptTable : nil
    }
}
