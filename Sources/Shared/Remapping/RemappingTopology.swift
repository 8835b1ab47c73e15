import Text

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

/// What raises interrupts by a requester id of its own: an I/O APIC, by ACPI's id, or a timer (HPET).
public typealias InterruptSource = (id: UInt8, requester: UInt16, isIOAPIC: Bool)

/// Ids from `first` to `last` reach the unit as `alias`.
public typealias AliasRange = (first: UInt16, last: UInt16, alias: UInt16)

/// Why a firmware table cannot be used.
public enum TopologyError: Words, Error {
    /// A length points outside the table.
    case malformed = "its table is malformed"
    /// More units, interrupt sources, aliases or reserved ranges than there is room for.
    case tooMany = "its table lists more than there is room for"
    case noUnits = "its table lists none"
}

/// What DMAR or IVRS say of a machine's remapping units. All units share one set of tables, so that which unit stands above
/// which function does not matter.
public struct RemappingTopology: Sendable {
    public var units = BoundedList<32, RemappingUnitDescription>(unused: RemappingUnitDescription())
    public internal(set) var interruptSources = BoundedList<32, InterruptSource>(unused: (0, 0, false))
    public internal(set) var aliases = BoundedList<64, AliasRange>(unused: (0, 0, 0))
    public internal(set) var reserved = BoundedList<128, (first: UInt16, last: UInt16)>(unused: (0, 0))
    /// Some units serve devices outside PCI segment 0.
    public var hasOtherSegments = false
    /// The firmware forbids x2APIC with this table, or does not support that interrupts are remapped (VT-d, DMAR_FLAGS bits 1 and 0).
    public var forbidsInterrupts = false

    public init() {}

    /// Why partitions cannot own functions, whatever the units can do; nil when they can.
    /// - Parameter id: what ACPI calls the first I/O APIC.
    public func shortcoming(firstIOAPIC id: UInt8?) -> StaticString? {
        if id.flatMap({ requester(ofIOAPIC: $0) }) == nil {
            return "its table does not say by which id the I/O APIC sends interrupts"
        }
        if hasOtherSegments { return "its table lists units outside PCI segment 0" }
        return forbidsInterrupts ? "the firmware forbids to remap interrupts, or x2APIC beside it" : nil
    }

    /// The id that requests of `function` carry where the tables name one.
    public func alias(of function: UInt16) -> UInt16? {
        let named = aliases.first { $0.first <= function && function <= $0.last }?.alias
        return named == function ? nil : named
    }

    /// The requester id of the I/O APIC that ACPI calls `id`.
    public func requester(ofIOAPIC id: UInt8) -> UInt16? {
        interruptSources.first { $0.isIOAPIC && $0.id == id }?.requester
    }

    /// Whether `function` must not be given to a partition: firmware keeps memory for it, or an interrupt source has its id,
    /// so that it could send that one's interrupts.
    public func isReserved(_ function: UInt16) -> Bool {
        reserved.first { $0.first <= function && function <= $0.last } != nil
            || interruptSources.first { $0.requester == function } != nil
    }
}
