/// What a mapping allows. Reading always comes with it.
public struct Access: Sendable {
    public let write: Bool
    public let execute: Bool
    /// Formats that leave this to the processor's PAT and MTRRs ignore it.
    public internal(set) var memoryType = MemoryType.writeBack

    /// The same rights to memory that is cached as `type`.
    public func with(_ type: MemoryType) -> Access { Access(write: write, execute: execute, memoryType: type) }

    public static let read = Access(write: false, execute: false)
    public static let readWrite = Access(write: true, execute: false)
    public static let readExecute = Access(write: false, execute: true)
    public static let all = Access(write: true, execute: true)
}

/// How one kind of page table writes its entries. Levels count from 1 (4 KiB leaves) to 4 (the root).
public protocol PageTableFormat {
    /// An entry that leads to the table of `level` at `physical`; some formats name that level in the entry.
    static func table(at physical: UInt64, level: Int) -> UInt64
    static func leaf(at physical: UInt64, level: Int, access: Access) -> UInt64
    static func isPresent(_ entry: UInt64) -> Bool
    static func isLeaf(_ entry: UInt64, level: Int) -> Bool
}

// What the formats have in common.
extension PageTableFormat {
    static var large: UInt64 { 1 << 7 }
    public static func isPresent(_ entry: UInt64) -> Bool { entry & 1 != 0 }
    public static func isLeaf(_ entry: UInt64, level: Int) -> Bool { level > 1 && entry & large != 0 }
    public static func address(_ entry: UInt64) -> UInt64 { entry & 0x000F_FFFF_FFFF_F000 }
}

public enum PageTableError: Error { case unaligned, outOfFrames, mappedAlready, outOfRange }

/// A four-level page table that grows from a frame arena and uses the largest pages that fit.
public struct PageTable<Format: PageTableFormat>: ~Copyable {
    public let root: UInt64
    /// Of the largest pages: 3 where the processor has 1 GiB pages.
    private let largest: Int
    /// Of the largest pages from which instructions may be fetched.
    private let largestExecutable: Int

    /// - Parameter smallExecutable: whether instructions are fetched from pages of 4 KiB alone (`Errata`).
    public init(hugePages: Bool, smallExecutable: Bool = false, arena: inout FrameArena) throws(PageTableError) {
        guard let root = arena.take() else { throw .outOfFrames }
        self.root = root
        largest = hugePages ? 3 : 2
        largestExecutable = smallExecutable ? 1 : largest
    }

    /// One that is in use, to look things up.
    public init(root: UInt64) { (self.root, largest, largestExecutable) = (root, 2, 2) }

    /// Maps `size` bytes at `virtual` to `physical`; all three are multiples of 4 KiB. What is mapped stays as it is:
    /// a second mapping of a page is refused, and so is what four levels (48 bits) or a physical address (52 bits) cannot hold.
    @inline(never)
    public mutating func map(
        _ virtual: UInt64, to physical: UInt64, size: UInt64, _ access: Access, arena: inout FrameArena
    ) throws(PageTableError) {
        guard (virtual | physical | size) & 0xFFF == 0 else { throw .unaligned }
        guard virtual < 1 << 48, size <= 1 << 48 - virtual, physical <= 1 << 52 - size else { throw .outOfRange }
        var done: UInt64 = 0
        while done < size {
            let level = largestLevel(virtual + done, physical + done, size - done, access)
            done += try place(virtual + done, physical + done, size - done, level, access, &arena)
        }
    }

    /// The physical address behind `virtual`, nil where nothing is mapped.
    public func translate(_ virtual: UInt64) -> UInt64? {
        // Its own tables alone: their frames are mapped one-to-one.
        Self.walk(root, virtual) { unsafe UnsafePointer<UInt64>(bitPattern: UInt($0))?.pointee }?.physical
    }

    /// What lies behind an address, the bytes from there to the end of the page, and what all levels together allow, of tables in long
    /// mode's own format (AMD64 APM volume 2, section 5.3).
    public typealias Walk = (physical: UInt64, size: UInt64, isWritable: Bool, isExecutable: Bool)

    /// Nil where nothing is mapped, or `read` gives nothing. At most four reads, whatever stands in the tables.
    /// - Parameter read: eight bytes at a physical address; what they say is believed once and not read again.
    public static func walk(_ root: UInt64, _ virtual: UInt64, read: (UInt64) -> UInt64?) -> Walk? {
        var table = Format.address(root), level = 4, all = UInt64.max, any: UInt64 = 0
        while let entry = read(table + UInt64(index(virtual, level)) * 8), Format.isPresent(entry) {
            (all, any) = (all & entry, any | entry)
            if level == 1 || level < 4 && Format.isLeaf(entry, level: level) {
                let mask = span(level) - 1, isExecutable = any & LongModeFormat.noExecute == 0
                return (
                    Format.address(entry) & ~mask | virtual & mask, mask + 1 - virtual & mask, all & 2 != 0,
                    isExecutable
                )
            }
            (table, level) = (Format.address(entry), level - 1)
        }
        return nil
    }

    /// Bytes that one entry of `level` covers: 4 KiB, 2 MiB, 1 GiB, 512 GiB.
    @inline(__always) static func span(_ level: Int) -> UInt64 { 1 << UInt64(12 + 9 * (level - 1)) }
    @inline(__always) static func index(_ virtual: UInt64, _ level: Int) -> Int {
        Int(virtual >> UInt64(12 + 9 * (level - 1)) & 511)
    }

    private func largestLevel(_ virtual: UInt64, _ physical: UInt64, _ size: UInt64, _ access: Access) -> Int {
        var level = access.execute ? largestExecutable : largest
        while level > 1 && ((virtual | physical) & (Self.span(level) - 1) != 0 || size < Self.span(level)) {
            level -= 1
        }
        return level
    }

    /// Writes one entry, or of the lowest level all that are wanted in one table.
    /// - Returns: how many bytes they map.
    private func place(
        _ virtual: UInt64, _ physical: UInt64, _ size: UInt64, _ level: Int, _ access: Access, _ arena: inout FrameArena
    ) throws(PageTableError) -> UInt64 {
        var table = root
        var at = 4
        while at > level {
            let slot = unsafe Self.slot(table, Self.index(virtual, at))
            if unsafe !Format.isPresent(slot.pointee) {
                guard let next = arena.take() else { throw .outOfFrames }
                unsafe slot.pointee = Format.table(at: next, level: at - 1)
            }
            guard unsafe !Format.isLeaf(slot.pointee, level: at) else { throw .mappedAlready }
            table = unsafe Format.address(slot.pointee)
            at -= 1
        }
        var done: UInt64 = 0
        repeat {
            let slot = unsafe Self.slot(table, Self.index(virtual &+ done, level))
            guard unsafe !Format.isPresent(slot.pointee) else { throw .mappedAlready }
            unsafe slot.pointee = Format.leaf(at: physical &+ done, level: level, access: access)
            done += Self.span(level)
        } while level == 1 && done < size && Self.index(virtual &+ done, 1) != 0
        return done
    }

    /// Tables come from the arena alone, whose frames are mapped one-to-one; `index` is below 512.
    @inline(__always) static func slot(_ table: UInt64, _ index: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(table)).unsafelyUnwrapped + index
    }
}
