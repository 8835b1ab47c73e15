import PCI
import Resources
import Text

/// What only the machine can tell: its cores, its PCI functions and the memory that is free for partitions. Several KiB:
/// lend it, do not copy it where the stack is small.
public struct MachineFacts: Sendable {
    /// The cores that exist and can be started, numbered in the order in which the machine lists them.
    public var cores: CoreSet
    /// Bytes of all memory that the firmware reports, whoever uses it. Zero: taken to be what is free.
    public var installedMemory: UInt64
    /// Memory that a partition may be given.
    public var free = FreeMemory()
    /// For each core, the lowest core that is a thread of the same physical core (SMT).
    public var siblings = InlineArray<64, UInt8> { UInt8($0) }
    /// For each core, the lowest core with which it shares the last-level cache, and the second-level cache.
    public var lastLevelCaches = InlineArray<64, UInt8>(repeating: 0)
    public var secondLevelCaches = InlineArray<64, UInt8> { UInt8($0) }
    /// What is not known counts as there; a boot always knows.
    public var trust = TrustAnchors.requirable
    /// What the TPM's counter of security versions has: a manifest with a lower one is refused. 0: there is no counter, or it is not known.
    public var oldestVersion: UInt64 = 0
    /// How the TPM is driven, by ACPI's table TPM2 (TCG ACPI Specification 1.4, section 8): its start method, 0 where it has none, and
    /// its control area. What is not known counts as a FIFO.
    public var tpm: (startMethod: UInt32, controlArea: UInt64) = (6, 0)
    /// nil: not known; then nothing is refused for what it lacks. A boot always knows.
    public var resources: ResourceCapabilities?
    /// Whether memory can be encrypted, by which keys. Unknown: no obstacle, and no key.
    public var memoryKeys = MemoryKeys()
    /// All functions of PCI segment 0, bridges included.
    public var functions = FunctionList()
    /// Whether DMA and interrupts of functions can be confined.
    public var usableIOMMU = false

    public init(cores: CoreSet, installedMemory: UInt64 = 0) {
        self.cores = cores
        self.installedMemory = installedMemory
    }
}

/// Ranges of free physical memory, at most 64 and never adjacent: the largest are kept when there are more.
public struct FreeMemory: Sendable {
    public private(set) var ranges = BoundedList<64, MemoryRange>(unused: MemoryRange(base: 0, end: 0))
    public var count: Int { ranges.count }

    public init() {}

    /// Adds a range that does not overlap one that is there; it grows into neighbours that it touches, because
    /// firmware lists memory in many adjoining pieces.
    public mutating func add(_ range: MemoryRange) {
        guard !range.isEmpty else { return }
        var range = range
        var i = 0
        while i < count {
            if ranges[i].end == range.base || range.end == ranges[i].base {
                range = MemoryRange(base: min(range.base, ranges[i].base), end: max(range.end, ranges[i].end))
                ranges.remove(at: i)
            } else {
                i += 1
            }
        }
        insert(range)
    }

    /// Takes out what overlaps `range`: a range in its middle is cut in two.
    public mutating func remove(_ range: MemoryRange) {
        guard !range.isEmpty else { return }
        var i = 0
        // What a cut puts back does not overlap any more, so each range is cut at most once.
        while i < count {
            let old = ranges[i]
            if old.base < range.end, range.base < old.end {
                ranges.remove(at: i)
                insert(MemoryRange(base: old.base, end: range.base))
                insert(MemoryRange(base: range.end, end: old.end))
                i = 0
            } else {
                i += 1
            }
        }
    }

    /// Whether all of `range` is free.
    public func contains(_ range: MemoryRange) -> Bool { ranges.first { $0.contains(range) } != nil }

    /// Bytes in whole granules of 2 MiB.
    public var usableBytes: UInt64 {
        var total: UInt64 = 0
        for i in 0..<count { total &+= ranges[i].aligned(to: Manifest.memoryGranule).size }
        return total
    }

    /// Where `size` bytes aligned to `alignment` (a power of two) fit: in the smallest range that holds them, lowest
    /// address first, so that large ranges stay whole. nil when there is none.
    public func place(_ size: UInt64, alignment: UInt64) -> MemoryRange? {
        var best: MemoryRange?
        for i in 0..<count {
            let range = ranges[i].aligned(to: alignment)
            guard range.size >= size else { continue }
            if let found = best, found.size < range.size || found.size == range.size && found.base < range.base {
                continue
            }
            best = range
        }
        return best.map { MemoryRange(base: $0.base, size: size) }
    }

    private mutating func insert(_ range: MemoryRange) {
        if range.isEmpty || ranges.append(range) { return }
        var smallest = 0
        for i in 1..<count where ranges[i].size < ranges[smallest].size { smallest = i }
        if ranges[smallest].size < range.size { ranges[smallest] = range }
    }
}
