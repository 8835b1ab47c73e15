/// Page tables that begin as a copy of others and differ where they are told to: tables on the way are copied, large
/// pages split. The others stay as they are.
public struct TableCopy<Format: PageTableFormat>: ~Copyable {
    public let root: UInt64
    private var arena: FrameArena

    @inline(__always) public init(of other: UInt64, arena: consuming FrameArena) throws(PageTableError) {
        self.arena = arena
        root = try Self.fill(&self.arena) { unsafe PageTable<Format>.slot(other, $0).pointee }
    }

    private static func fill(_ arena: inout FrameArena, _ entry: (Int) -> UInt64) throws(PageTableError) -> UInt64 {
        guard let table = arena.take() else { throw .outOfFrames }
        for i in 0..<512 { unsafe PageTable<Format>.slot(table, i).pointee = entry(i) }
        return table
    }

    /// Takes the right to write away from a range in multiples of 4 KiB, in the largest pages that fit; or has it lead to `frames`, with
    /// all rights.
    public mutating func protect(_ range: Range<UInt64>, standIns frames: UInt64? = nil) throws(PageTableError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let isLarge = frames == nil && at & 0x1F_FFFF == 0 && range.upperBound - at >= 0x20_0000
            let (slot, level) = try unsafe find(at, isLarge ? 2 : 1)
            // Both formats have the right at the same place.
            unsafe slot.pointee &= ~LongModeFormat.write
            if let frames {
                unsafe slot.pointee = Format.leaf(at: frames + at - range.lowerBound, level: 1, access: .all)
            }
            at += PageTable<Format>.span(level)
        }
    }

    /// The entry for `address` at `level`, or the one of a lower level where there are smaller pages, in tables of this copy's own.
    private mutating func find(
        _ address: UInt64, _ level: Int
    ) throws(PageTableError) -> (slot: UnsafeMutablePointer<UInt64>, level: Int) {
        var table = root, at = 4
        while true {
            let slot = unsafe PageTable<Format>.slot(table, PageTable<Format>.index(address, at))
            let entry = unsafe slot.pointee
            guard Format.isPresent(entry) else { throw .outOfRange }
            let isLeaf = at == 1 || Format.isLeaf(entry, level: at)
            if isLeaf, at <= level { return unsafe (slot, at) }
            table = Format.address(entry)
            at -= 1
            if !isLeaf, arena.base..<arena.end ~= table { continue }
            let next = table, span = PageTable<Format>.span(at)
            // Bit 7 makes an entry a large page's in both formats; in the lowest level it means something else.
            let first = at == 1 ? entry & ~LongModeFormat.large : entry
            table = try Self.fill(&arena) {
                isLeaf ? first + UInt64($0) * span : unsafe PageTable<Format>.slot(next, $0).pointee
            }
            unsafe slot.pointee = Format.table(at: table, level: at)
        }
    }
}
