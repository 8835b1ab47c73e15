import X86

/// Entries of the local vector table as guests may write them (Intel SDM volume 3A, figure 11-8; AMD64 APM volume 2, section
/// 16.4). In x2APIC mode a write of a reserved bit faults, and each entry has its own.
public enum LocalVectorPolicy {
    /// What to write for a guest.
    /// - Parameter msr: 82Fh or 833h to 837h; the timer's entry, which has no delivery mode, is the guest's own.
    /// - Returns: nil where the write faults (#GP): a reserved bit, a mode that the entry does not have, or one by which the
    ///   core would leave the hypervisor's hands (SMI, INIT).
    public static func written(_ value: UInt64, to msr: UInt32, _ vendor: Vendor) -> UInt64? {
        let isPin = msr == 0x835 || msr == 0x836, mode = value >> 8 & 7
        let writable: UInt64
        switch msr {
        case 0x837: writable = 0x1_00FF
        // LINT0 and LINT1 are pins: trigger mode, and on Intel's polarity.
        case 0x835, 0x836: writable = vendor == .intel ? 0x1_A7FF : 0x1_87FF
        default: writable = 0x1_07FF
        }
        // Guests write back what they have read: delivery status, and a pin's remote IRR, are the processor's.
        let status: UInt64 = isPin ? 1 << 12 | 1 << 14 : 1 << 12
        guard value & ~(writable | status) == 0, mode == 0 || mode == 4 || mode == 7 && isPin else { return nil }
        return value & writable
    }
}
