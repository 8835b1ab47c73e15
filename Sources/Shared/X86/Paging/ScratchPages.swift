/// What an address behind which nothing lies reads as: ones. One page of ones under one table of each level, each of whose
/// 512 entries leads to the next, so that four more frames answer for a whole address space. Each partition has
/// its own. The tables are written once.
public struct ScratchPages: Sendable {
    private let page: UInt64
    private let tables: UInt64
    private let access: Access
    /// Frames of tables, of level 1, 2 and 3.
    public static let tableFrames = 3

    /// The page and the first of the tables are where `fill` has written, or will.
    public init(page: UInt64, tables: UInt64, access: Access = .read) {
        (self.page, self.tables, self.access) = (page, tables, access)
    }

    /// Writes the page and the tables. The frames are mapped one-to-one and nobody else's.
    @unsafe public func fill<Format: PageTableFormat>(_: Format.Type) {
        for level in 0...Self.tableFrames {
            let frame = level == 0 ? page : table(level)
            let slots = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(frame)).unsafelyUnwrapped
            for i in 0..<512 { unsafe slots[i] = level == 0 ? .max : entry(Format.self, level: level) }
        }
    }

    private func table(_ level: Int) -> UInt64 { tables + UInt64(level - 1) * FrameArena.frameSize }

    /// The entry with which a table of `level` leads here.
    func entry<Format: PageTableFormat>(_: Format.Type, level: Int) -> UInt64 {
        level == 1
            ? Format.leaf(at: page, level: 1, access: access) : Format.table(at: table(level - 1), level: level - 1)
    }
}

extension PageTable {
    /// Makes every address that is not mapped yet read as ones. The table takes no further mappings.
    public mutating func fill(with scratch: ScratchPages) { fill(root, 4, scratch) }

    private func fill(_ table: UInt64, _ level: Int, _ scratch: ScratchPages) {
        for i in 0..<512 {
            let slot = unsafe Self.slot(table, i)
            if unsafe !Format.isPresent(slot.pointee) {
                unsafe slot.pointee = scratch.entry(Format.self, level: level)
            } else if unsafe level > 1 && !Format.isLeaf(slot.pointee, level: level) {
                fill(unsafe Format.address(slot.pointee), level - 1, scratch)
            }
        }
    }
}
