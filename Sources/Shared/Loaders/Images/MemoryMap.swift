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

/// The guest's memory map: at most seven ranges, ascending and disjoint.
public struct MemoryMap: Sendable {
    public private(set) var ranges: InlineArray<7, MemoryMapEntry>
    public private(set) var count: Int

    /// The map of a guest with `memory`, which must hold the first MiB.
    /// - Parameter hasBus: whether there is a root bridge, whose configuration space is reserved: Linux wants to find it here
    ///   as well as in the namespace.
    /// - Parameter eventLog: the end of low RAM, where the firmware's log lies; empty or nil without one.
    public init(_ memory: borrowing GuestMemory, hasBus: Bool, eventLog: Range<UInt64>? = nil) {
        let eventLog = eventLog ?? memory.lowSize..<memory.lowSize
        let log = MemoryMapEntry(start: eventLog.lowerBound, size: UInt64(eventLog.count), kind: .reserved)
        let high = MemoryMapEntry(start: GuestMemory.highBase, size: memory.highSize, kind: .ram)
        let bus = MemoryMapEntry(start: GuestWindows.ecam, size: GuestWindows.ecamSize, kind: .reserved)
        ranges = [
            MemoryMapEntry(start: 0, size: LowMemory.usableEnd, kind: .ram),
            MemoryMapEntry(start: LowMemory.acpi, size: LowMemory.acpiEnd - LowMemory.acpi, kind: .acpi),
            MemoryMapEntry(start: LowMemory.acpiEnd, size: LowMemory.end - LowMemory.acpiEnd, kind: .reserved),
            MemoryMapEntry(start: LowMemory.end, size: eventLog.lowerBound &- LowMemory.end, kind: .ram),
            log, bus, high,
        ]
        count = 4
        if log.size > 0 { append(log) }
        if hasBus { append(bus) }
        if high.size > 0 { append(high) }
    }

    private mutating func append(_ entry: MemoryMapEntry) {
        ranges[count] = entry
        count += 1
    }
}
