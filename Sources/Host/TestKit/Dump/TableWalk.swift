/// What one entry of a page table maps, or several that follow each other.
public struct Mapping: Sendable {
    public var virtual: UInt64
    public var physical: Range<UInt64>
    public var write: Bool
    public var execute: Bool
}

/// All that a page table leads to, and the frames that it consists of.
public struct TableWalk {
    public private(set) var mappings: [Mapping] = []
    /// Of 4 KiB each, by their addresses.
    public private(set) var tables: Set<UInt64> = []
    /// Tables that do not lie in memory.
    public private(set) var missing: [UInt64] = []
    private let memory: PhysicalMemory
    private var seen: Set<Visit> = []

    private struct Visit: Hashable {
        var table: UInt64
        var level: Int
        var write: Bool
        var execute: Bool
    }

    private let format: Format

    /// How entries are read.
    public enum Format: Sendable {
        /// The processor's own, and SVM's nested ones, which are alike (AMD64 APM volume 2, sections 5.3 and 15.25).
        case processor
        /// VT-d's second level (VT-d specification, section 9.8).
        case vtd
        /// AMD's I/O page tables (specification 48882, section 2.2.3).
        case amdVi

        func isPresent(_ entry: UInt64) -> Bool { entry & (self == .vtd ? 3 : 1) != 0 }
        func writes(_ entry: UInt64) -> Bool { entry & (self == .amdVi ? 1 << 62 : 2) != 0 }
        func executes(_ entry: UInt64) -> Bool { self == .processor && entry >> 63 == 0 }
        func isLeaf(_ entry: UInt64, level: Int) -> Bool {
            level == 1 || (self == .amdVi ? entry >> 9 & 7 == 0 : level < 4 && entry & 0x80 != 0)
        }
    }

    /// Walks a table. One that many entries lead to with the same rights is walked once.
    /// - Parameter levels: of the table at `root`.
    public init(_ root: UInt64, _ memory: PhysicalMemory, _ format: Format = .processor, levels: Int = 4) {
        (self.memory, self.format) = (memory, format)
        walk(root & Self.addressMask, levels, 0, write: true, execute: true)
    }

    private static let addressMask: UInt64 = 0x000F_FFFF_FFFF_F000

    private mutating func walk(_ table: UInt64, _ level: Int, _ virtual: UInt64, write: Bool, execute: Bool) {
        guard seen.insert(Visit(table: table, level: level, write: write, execute: execute)).inserted else { return }
        tables.insert(table)
        let span: UInt64 = 1 << UInt64(12 + 9 * (level - 1))
        for i in 0..<512 as Range<UInt64> {
            guard let entry = memory.load(table + i * 8, as: UInt64.self) else { return missing.append(table) }
            guard format.isPresent(entry) else { continue }
            let writes = write && format.writes(entry), executes = execute && format.executes(entry)
            let at = virtual + i * span
            if format.isLeaf(entry, level: level) {
                let start = entry & Self.addressMask & ~(span - 1)
                add(Mapping(virtual: at, physical: start..<start + span, write: writes, execute: executes))
            } else {
                walk(entry & Self.addressMask, level - 1, at, write: writes, execute: executes)
            }
        }
    }

    private mutating func add(_ new: Mapping) {
        if let last = mappings.last, last.physical.upperBound == new.physical.lowerBound,
            last.virtual + UInt64(last.physical.count) == new.virtual, last.write == new.write,
            last.execute == new.execute
        {
            mappings[mappings.count - 1].physical = last.physical.lowerBound..<new.physical.upperBound
        } else {
            mappings.append(new)
        }
    }
}
