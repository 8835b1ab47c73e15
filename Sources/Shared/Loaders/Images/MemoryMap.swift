import Platform

/// One entry of the memory map that a guest is told. The raw values are those of ACPI's address-range types
/// (ACPI 6.5, table 15.4), which e820, PVH and multiboot share.
public struct MemoryMapEntry: Sendable {
    public enum Kind: UInt32, Sendable {
        case ram = 1
        case reserved = 2
        case acpi = 3
    }
    public var start: UInt64
    public var size: UInt64
    public var kind: Kind
}

/// The guest's memory map: at most six ranges, ascending and disjoint.
public struct MemoryMap: Sendable {
    public private(set) var ranges: InlineArray<6, MemoryMapEntry>
    public private(set) var count: Int

    /// The map of a guest with `memory`, which must hold the first MiB.
    /// - Parameter hasBus: whether there is a root bridge, whose configuration space is reserved: Linux wants to find it here
    ///   as well as in the namespace.
    public init(_ memory: borrowing GuestMemory, hasBus: Bool) {
        let high = MemoryMapEntry(start: GuestMemory.highBase, size: memory.highSize, kind: .ram)
        ranges = [
            MemoryMapEntry(start: 0, size: LowMemory.usableEnd, kind: .ram),
            MemoryMapEntry(start: LowMemory.acpi, size: LowMemory.acpiEnd - LowMemory.acpi, kind: .acpi),
            MemoryMapEntry(start: LowMemory.acpiEnd, size: LowMemory.end - LowMemory.acpiEnd, kind: .reserved),
            MemoryMapEntry(start: LowMemory.end, size: memory.lowSize &- LowMemory.end, kind: .ram),
            hasBus ? MemoryMapEntry(start: GuestWindows.ecam, size: GuestWindows.ecamSize, kind: .reserved) : high,
            high,
        ]
        count = (hasBus ? 5 : 4) + (memory.highSize > 0 ? 1 : 0)
    }
}
