/// The tables that all units of a machine share.
public struct RemappingMemory: Sendable {
    /// VT-d: the root table. AMD: the device table, an entry for each of 65,536 ids.
    public var deviceTable: UInt64 = 0
    /// VT-d alone: the interrupt table and its entries, a power of two from 2 to 65,536.
    public var interruptTable: UInt64 = 0
    public var interruptEntries = 2
    /// Interrupt destinations are whole x2APIC ids.
    public var extendedInterrupts = false
    /// All units see what is in processors' caches.
    public var isCoherent = true

    public init() {}
}

/// A message-signalled interrupt: a write of `data` to `address`.
public struct InterruptMessage: Equatable, Sendable {
    public var address: UInt64
    public var data: UInt32
    public init(address: UInt64, data: UInt32) {
        self.address = address
        self.data = data
    }

    /// An NMI that no unit remaps (Intel SDM volume 3A, section 11.11). The upper half of the address has bits 31:8 of
    /// the APIC id, which units with extended interrupts know (VT-d specification, section 5.1.8).
    public static func nmi(to apicID: UInt32) -> InterruptMessage {
        InterruptMessage(
            address: UInt64(apicID & ~0xFF) << 32 | 0xFEE0_0000 | UInt64(apicID & 0xFF) << 12, data: 0x400)
    }
}

/// What both vendors' units do. No method waits longer than `PollLimit` allows.
public protocol RemappingUnit {
    /// Takes the tables and puts DMA and interrupts of everything behind the unit under them.
    func enable() throws(RemappingError)
    /// Forgets what the unit has cached of the tables.
    func invalidate() throws(RemappingError)
    /// Lets DMA and interrupts pass again as after reset.
    func disable() throws(RemappingError)
    /// Announces faults by this message from now on.
    func report(to message: InterruptMessage)
    func setReporting(_ isOn: Bool)
    /// The oldest fault on record, which is then forgotten; nil when there is none.
    /// - Parameter lost: grows by one for each time that the unit had no room for a record.
    func nextFault(lost: inout UInt64) -> DeviceFault?
}
