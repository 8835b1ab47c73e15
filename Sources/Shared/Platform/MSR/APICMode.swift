/// The local APIC's modes, as bits 11:10 of APIC_BASE have them (Intel SDM volume 3A, section 11.12.1; AMD64 APM volume 2,
/// section 16.9). Guests begin in x2APIC mode and have registers in no other.
public enum APICMode: UInt64, Sendable {
    case off = 0
    case xAPIC = 2
    case x2APIC = 3

    /// The mode after a guest's write of APIC_BASE, of which nothing else changes; nil where the write faults (#GP). From each
    /// mode to off, from there to xAPIC, from there to x2APIC (SDM figure 11-9).
    public static func written(_ value: UInt64, current: UInt64) -> APICMode? {
        let from = current >> 10 & 3, to = value >> 10 & 3
        guard (value ^ current) & ~(3 << 10) == 0, 0x9D05 as UInt64 >> (from * 4 + to) & 1 != 0 else { return nil }
        return APICMode(rawValue: to)
    }
}
