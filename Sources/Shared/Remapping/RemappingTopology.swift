/// One remapping unit as the firmware's tables describe it.
public struct RemappingUnitDescription: Equatable, Sendable {
    /// Physical address of its registers.
    public var registers: UInt64 = 0
    /// Physical address of the frames that it has for queues and logs, as many as its features say; set when taken.
    public var buffers: UInt64 = 0
    /// Physical address of 128 bytes in which it keeps what firmware had in its registers; set when taken.
    public var saved: UInt64 = 0
    /// AMD: the unit's own PCI function, and the flags of its block.
    public var function: UInt16 = 0
    public var flags: UInt8 = 0
    public init() {}
}

/// Ids from `first` to `last` reach the unit as `alias`.
public typealias AliasRange = (first: UInt16, last: UInt16, alias: UInt16)

/// Why a firmware table cannot be used.
public enum TopologyError: Error, Equatable {
    /// A length points outside the table.
    case malformed
    /// More units, interrupt sources, aliases or reserved ranges than there is room for.
    case tooMany
    case noUnits
}

/// What DMAR or IVRS say of a machine's remapping units. All units share one set of tables, so that which unit stands above
/// which function does not matter.
public struct RemappingTopology: Sendable {
    public var units: [32 of RemappingUnitDescription] = .init(repeating: RemappingUnitDescription())
    public var unitCount = 0
    /// By which requester id an I/O APIC, or a timer (HPET), raises interrupts.
    public var interruptSources: [32 of (id: UInt8, requester: UInt16, isIOAPIC: Bool)] = .init(
        repeating: (0, 0, false))
    public var interruptSourceCount = 0
    public var aliases: [64 of AliasRange] = .init(repeating: (0, 0, 0))
    public var aliasCount = 0
    public var reserved: [128 of (first: UInt16, last: UInt16)] = .init(repeating: (0, 0))
    public var reservedCount = 0
    /// Some units serve devices outside PCI segment 0.
    public var hasOtherSegments = false
    /// The firmware forbids x2APIC with this table (VT-d, DMAR_FLAGS bit 1).
    public var forbidsX2APIC = false

    public init() {}

    /// Why partitions cannot own functions, whatever the units can do; nil when they can.
    /// - Parameter id: what ACPI calls the first I/O APIC.
    public func shortcoming(firstIOAPIC id: UInt8?) -> StaticString? {
        if id.flatMap({ requester(ofIOAPIC: $0) }) == nil {
            return "its table does not say by which id the I/O APIC sends interrupts"
        }
        if hasOtherSegments { return "its table lists units outside PCI segment 0" }
        return forbidsX2APIC ? "the firmware forbids x2APIC beside it" : nil
    }

    /// The id that requests of `function` carry where the tables name one.
    public func alias(of function: UInt16) -> UInt16? {
        for i in 0..<aliasCount where aliases[i].first <= function && function <= aliases[i].last {
            return aliases[i].alias == function ? nil : aliases[i].alias
        }
        return nil
    }

    /// The requester id of the I/O APIC that ACPI calls `id`.
    public func requester(ofIOAPIC id: UInt8) -> UInt16? {
        for i in 0..<interruptSourceCount where interruptSources[i].isIOAPIC && interruptSources[i].id == id {
            return interruptSources[i].requester
        }
        return nil
    }

    /// Whether `function` must not be given to a partition: firmware keeps memory for it, or an interrupt source has its id,
    /// so that it could send that one's interrupts.
    public func isReserved(_ function: UInt16) -> Bool {
        for i in 0..<reservedCount where reserved[i].first <= function && function <= reserved[i].last { return true }
        for i in 0..<interruptSourceCount where interruptSources[i].requester == function { return true }
        return false
    }

    mutating func add(_ unit: RemappingUnitDescription) throws(TopologyError) {
        guard unitCount < 32 else { throw .tooMany }
        units[unitCount] = unit
        unitCount += 1
    }

    mutating func addInterruptSource(
        _ id: UInt8, _ requester: UInt16, isIOAPIC: Bool
    ) throws(TopologyError) {
        guard interruptSourceCount < 32 else { throw .tooMany }
        interruptSources[interruptSourceCount] = (id, requester, isIOAPIC)
        interruptSourceCount += 1
    }

    mutating func add(_ alias: AliasRange) throws(TopologyError) {
        guard aliasCount < 64 else { throw .tooMany }
        aliases[aliasCount] = alias
        aliasCount += 1
    }

    mutating func addReserved(_ first: UInt16, _ last: UInt16) throws(TopologyError) {
        guard reservedCount < 128 else { throw .tooMany }
        reserved[reservedCount] = (first, last)
        reservedCount += 1
    }
}
