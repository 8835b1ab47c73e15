/// One entry of the memory map that a guest is told. The raw values are those of ACPI's address-range types
/// (ACPI 6.5, table 15.4), which e820, PVH and multiboot share.
public struct MemoryRange: Sendable {
    public enum Kind: UInt32, Sendable {
        case ram = 1
        case reserved = 2
        case acpi = 3
    }
    public var start: UInt64
    public var size: UInt64
    public var kind: Kind
}

/// The guest's memory map: at most five ranges, ascending and disjoint.
public struct MemoryMap: Sendable {
    public private(set) var ranges: InlineArray<5, MemoryRange>
    public private(set) var count: Int

    /// The map of a guest with `memory`, which must hold the first MiB.
    public init(_ memory: borrowing GuestMemory) {
        ranges = [
            MemoryRange(start: 0, size: LowMemory.usableEnd, kind: .ram),
            MemoryRange(start: LowMemory.acpi, size: LowMemory.acpiEnd - LowMemory.acpi, kind: .acpi),
            MemoryRange(start: LowMemory.acpiEnd, size: LowMemory.end - LowMemory.acpiEnd, kind: .reserved),
            MemoryRange(start: LowMemory.end, size: memory.lowSize &- LowMemory.end, kind: .ram),
            MemoryRange(start: GuestMemory.highBase, size: memory.highSize, kind: .ram),
        ]
        count = memory.highSize > 0 ? 5 : 4
    }
}
