import X86

/// What one vendor's remapping hardware is. `VTD` and `AMDVi` implement it; nothing else depends on the vendor. A value is
/// one unit, static members are what the units of a machine share. No method waits longer than `pollLimit` allows.
public protocol RemappingHardware {
    associatedtype Registers: RegisterFile
    /// How the page tables are written.
    associatedtype Pages: PageTableFormat

    /// Makes the tables that units start from, and denies everything in them.
    static func denyAll(_ demand: RemappingDemand, in tables: inout RemappingTables) throws(RemappingError)
    /// The interrupt table that all functions of a domain share; 0 where each function has entries of its own.
    static func makeInterruptTable(
        _ apicIDs: [16 of UInt32], _ vcpuCount: Int, in tables: inout RemappingTables
    ) throws(RemappingError) -> UInt64
    /// Gives a function to a domain: its DMA reaches the domain's memory alone, its interrupts the domain's cores alone.
    /// Refuses a requester id that another domain has.
    /// - Parameter alias: the id that its requests carry where a bridge to conventional PCI stands above it.
    /// - Returns: what interrupts it has.
    static func attach(
        _ requester: UInt16, alias: UInt16?, to domain: RemappingDomain, in tables: inout RemappingTables
    ) throws(RemappingError) -> InterruptBlock
    /// Lets the I/O APIC with this requester id send NMIs to the core with this APIC id, and no other interrupt but, on AMD,
    /// NMIs to other cores too: they pass as they are.
    /// - Returns: what the I/O APIC's entry has to hold; nil when the core cannot be reached.
    static func routeNMI(
        from requester: UInt16, to apicID: UInt32, in tables: borrowing RemappingTables
    ) -> RedirectionEntry?

    /// A unit whose `buffers` are this caller's alone.
    init(_ unit: RemappingUnitDescription, _ registers: Registers, _ memory: RemappingMemory)
    /// What the unit can do.
    var features: RemappingFeatures { get }
    /// Keeps what firmware has in the unit's registers, and brings it back where the unit's queue is ours: nothing stays behind
    /// when a machine is refused, and what was not reached is left alone, whose queue's commands would be firmware's.
    func save()
    func restore() throws(RemappingError)
    /// Puts DMA and interrupts of everything behind the unit under the tables, whatever is on, and reads that back; what is
    /// under them already stays so meanwhile.
    func enable() throws(RemappingError)
    /// Reads back what `enable` set up.
    func verify() throws(RemappingError)
    /// Empties the unit's caches of the tables.
    func invalidate() throws(RemappingError)
    /// Sends this message for each fault from now on; nil: none.
    func report(to message: InterruptMessage?)
    /// Reads the oldest fault on record and clears it there; nil when there is none.
    /// - Parameter lost: grows by one for each time that the unit had no room for a record.
    func nextFault(lost: inout UInt64) -> DeviceFault?
}

/// Something that every unit of a machine is told.
public enum UnitCommand: Sendable {
    case save, enable, verify, invalidate, restore
    case report(to: InterruptMessage?)
}

extension RemappingHardware {
    public func perform(_ command: UnitCommand) throws(RemappingError) {
        switch command {
        case .save: save()
        case .enable: try enable()
        case .verify: try verify()
        case .invalidate: try invalidate()
        case .restore: try restore()
        case .report(let message): report(to: message)
        }
    }
}

/// The tables that all units of a machine share.
public struct RemappingMemory: Sendable {
    /// VT-d: the root table. AMD: the device table, an entry for each of 65,536 ids.
    public var deviceTable: UInt64 = 0
    /// VT-d alone: the interrupt table and its entries, a power of two from 2 to 65,536.
    public var interruptTable: UInt64 = 0
    public var interruptEntries = 2
    /// What all units have in common.
    public var features = RemappingFeatures()

    public init() {}
}

/// A message-signalled interrupt: a write of `data` to `address`.
public struct InterruptMessage: Equatable, Sendable {
    public var address: UInt64
    public var data: UInt32

    /// An NMI that no unit remaps (Intel SDM volume 3A, section 11.11). The upper half of the address has bits 31:8 of
    /// the APIC id, which units with extended interrupts know (VT-d specification, section 5.1.8).
    public static func nmi(to apicID: UInt32) -> InterruptMessage {
        InterruptMessage(
            address: UInt64(apicID & ~0xFF) << 32 | 0xFEE0_0000 | UInt64(apicID & 0xFF) << 12, data: 0x400)
    }
}
