/// Page tables that begin as a copy of others and differ where they are told to: tables on the way are copied, large pages split.
/// The others stay as they are.
public struct TableCopy<Format: PageTableFormat>: ~Copyable {
    public let root: UInt64
    private var arena: FrameArena

    public init(of other: UInt64, arena: consuming FrameArena) throws(PageTableError) {
        self.arena = arena
        guard let root = self.arena.take() else { throw .outOfFrames }
        self.root = root
        Self.copy(other, to: root)
    }

    private static func copy(_ table: UInt64, to new: UInt64) {
        for i in 0..<512 { unsafe PageTable<Format>.slot(new, i).pointee = PageTable<Format>.slot(table, i).pointee }
    }

    /// Takes the right to write away from `size` bytes at `address`, multiples of 4 KiB, in the largest pages that fit.
    public mutating func protect(_ address: UInt64, size: UInt64) throws(PageTableError) {
        var done: UInt64 = 0
        while done < size {
            let isLarge = (address + done) & 0x1F_FFFF == 0 && size - done >= 0x20_0000
            let (slot, level) = try unsafe find(address + done, isLarge ? 2 : 1)
            // Both formats have it at the same place.
            unsafe slot.pointee &= ~2
            done += PageTable<Format>.span(level)
        }
    }

    /// Has the page of 4 KiB at `address` lead to `frame`, with all rights.
    public mutating func replace(_ address: UInt64, by frame: UInt64) throws(PageTableError) {
        unsafe try find(address, 1).slot.pointee = Format.leaf(at: frame, level: 1, access: .all)
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
            var next = Format.address(entry)
            if isLeaf || !(arena.base..<arena.end).contains(next) {
                guard let new = arena.take() else { throw .outOfFrames }
                if isLeaf { Self.split(entry, at, into: new) } else { Self.copy(next, to: new) }
                unsafe slot.pointee = Format.table(at: new, level: at - 1)
                next = new
            }
            table = next
            at -= 1
        }
    }

    /// 512 entries of the level below, which say together what `entry` says.
    private static func split(_ entry: UInt64, _ level: Int, into table: UInt64) {
        // Bit 7 makes an entry a large page's in both formats; in the lowest level it means something else.
        let first = level == 2 ? entry & ~(1 << 7) : entry
        for i in 0..<512 {
            unsafe PageTable<Format>.slot(table, i).pointee = first + UInt64(i) * PageTable<Format>.span(level - 1)
        }
    }
}
