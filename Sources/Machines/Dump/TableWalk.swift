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

    /// Walks a four-level table of the processor, or one of SVM's nested ones, which are alike (AMD64 APM volume 2,
    /// sections 5.3 and 15.25). A table that many entries lead to with the same rights is walked once.
    public init(_ root: UInt64, _ memory: PhysicalMemory) {
        self.memory = memory
        walk(root & Self.addressMask, 4, 0, write: true, execute: true)
    }

    private static let addressMask: UInt64 = 0x000F_FFFF_FFFF_F000

    private mutating func walk(_ table: UInt64, _ level: Int, _ virtual: UInt64, write: Bool, execute: Bool) {
        guard seen.insert(Visit(table: table, level: level, write: write, execute: execute)).inserted else { return }
        tables.insert(table)
        let span: UInt64 = 1 << UInt64(12 + 9 * (level - 1))
        for i in 0..<512 as Range<UInt64> {
            guard let entry = memory.load(table + i * 8, as: UInt64.self) else { return missing.append(table) }
            guard entry & 1 != 0 else { continue }
            let writes = write && entry & 2 != 0, executes = execute && entry >> 63 == 0
            let at = virtual + i * span
            if level == 1 || level < 4 && entry & 0x80 != 0 {
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
