/// Physical addresses from `base` up to, not including, `end`.
public struct MemoryRange: Equatable, Sendable {
    public var base: UInt64
    public var end: UInt64

    /// An empty range if `end` is not above `base`.
    public init(base: UInt64, end: UInt64) {
        self.base = base
        self.end = max(base, end)
    }

    /// `size` bytes from `base`, cut off at the top of the address space.
    public init(base: UInt64, size: UInt64) {
        let (sum, overflow) = base.addingReportingOverflow(size)
        self.init(base: base, end: overflow ? .max : sum)
    }

    public var size: UInt64 { end - base }
    public var isEmpty: Bool { end == base }

    public func contains(_ other: MemoryRange) -> Bool { other.base >= base && other.end <= end }

    /// The whole granules of `alignment` bytes (a power of two) inside.
    func aligned(to alignment: UInt64) -> MemoryRange {
        let (sum, overflow) = base.addingReportingOverflow(alignment - 1)
        let low = overflow ? UInt64.max : sum & ~(alignment - 1)
        return MemoryRange(base: low, end: end & ~(alignment - 1))
    }
}

extension PartitionSpec {
    /// Where its memory is if the manifest says so.
    public var fixedMemory: MemoryRange? { memoryBase == 0 ? nil : MemoryRange(base: memoryBase, size: memorySize) }
}
