import X86

/// Where a kernel that runs lies in its guest's memory, guest-physical: its text, its constants, its interrupt table's page; in the
/// order of `WatchRule`.
public struct KernelPlace: Sendable {
    public private(set) var parts: [3 of Range<UInt64>] = .init(repeating: 0..<0)
    public init() {}

    /// Finds it by its system call entry and its own page tables, which must map all of it read-only and in one piece, as the
    /// image has it.
    /// - Parameters:
    ///   - lowMemory: bytes that the partition has from address 0 on; a kernel lies there.
    ///   - read: eight bytes at a guest-physical address; nil outside of memory.
    public init(
        _ table: borrowing SiteTable, _ registers: borrowing GuardedRegisters, lowMemory: UInt64,
        read: (UInt64) -> UInt64?
    ) throws(WatchPhase) {
        let start = registers.words[GuardedRegisters.entry] &- table.entry
        var cr3 = registers.words[GuardedRegisters.cr3], pages = 0
        typealias Tables = PageTable<LongModeFormat>
        func walk(_ address: UInt64) -> Tables.Walk? { Tables.walk(cr3, address, read: read) }
        // With page-table isolation a program's tables have little of the kernel; the kernel's own lie below them.
        if walk(start) == nil { cr3 &= ~0x1000 }
        guard start & 0x1F_FFFF == 0, let first = walk(start),
            let gates = walk(registers.words[GuardedRegisters.interruptTable])
        else { throw .otherKernel }
        for i in 0..<2 {
            let part = i == 0 ? table.text : table.constants
            var at = part.lowerBound
            while at < part.upperBound {
                pages += 1
                // Large ones are some twenty; with ends that are split in small ones they are a thousand.
                guard pages <= 2048, let page = walk(start &+ at), page.physical == first.physical + at,
                    i == 1 || page.isExecutable
                else { throw .otherKernel }
                if page.isWritable { throw .notReadOnly }
                at += page.size
            }
            parts[i] = first.physical + part.lowerBound..<first.physical + part.upperBound
        }
        parts[2] = gates.physical & ~0xFFF..<(gates.physical | 0xFFF) + 1
        for i in 0..<3 where parts[i].upperBound > lowMemory { throw .outsideMemory }
    }

    /// The rule that a change at `address` breaks; nil for memory that is not guarded.
    public func rule(of address: UInt64) -> WatchRule? {
        for i in 0..<3 where parts[i] ~= address { return WatchRule(rawValue: UInt8(i + 1)) }
        return nil
    }
}
