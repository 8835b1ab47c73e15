/// Something that a function tried and a remapping unit refused.
public struct DeviceFault: Equatable, Sendable {
    /// Bus, device and function; 0 where the unit itself is at fault.
    public var requester: UInt16 = 0
    /// Where the access went, to 4 KiB or better; of an interrupt, the index of its entry.
    public var address: UInt64 = 0
    public var isWrite = false
    public var isInterrupt = false
    /// VT-d: the fault reason (VT-d specification, appendix A). AMD: the event code (specification 48882, section 2.5),
    /// 1 to 15.
    public var reason: UInt8 = 0

    public init() {}

    /// A fault recording register (VT-d specification, section 11.4.14; 10.4.14 in older editions).
    init(vtdLow low: UInt64, high: UInt64) {
        requester = UInt16(truncatingIfNeeded: high)
        reason = UInt8(truncatingIfNeeded: high >> 32)
        // Reasons 20h to 2Fh are of interrupts, whose index is in the upper half.
        isInterrupt = reason & 0xF0 == 0x20
        address = isInterrupt ? low >> 48 : low & ~0xFFF
        // Type bits T1 and T2 (126 and 92): 0 is a write.
        isWrite = !isInterrupt && high >> 62 & 1 == 0 && high >> 28 & 1 == 0
    }

    /// An entry of AMD's event log; nil when it has nothing to say of a device.
    init?(event low: UInt64, _ high: UInt64) {
        reason = UInt8(low >> 60)
        guard reason != 0 else { return nil }
        // Command and counter events (5, 6 and 9) name no device.
        requester = reason == 5 || reason == 6 || reason == 9 ? 0 : UInt16(truncatingIfNeeded: low)
        address = high
        // In page faults: bit 51 an interrupt, bit 53 a write. QEMU sets the former for memory accesses too, so that the
        // address counts also: where MSIs go, or interrupts of HyperTransport (section 2.1.4.2).
        isInterrupt = reason == 2 && low >> 51 & 1 != 0 && (high >> 20 == 0xFEE || high >> 24 == 0xFDF8)
        isWrite = reason == 2 && low >> 53 & 1 != 0
    }
}
