/// What firmware has added to the time-stamp counter of the boot core (IA32_TSC_ADJUST, Intel SDM volume 3B, section 19.17.3). Much of it leaves
/// other cores with another value, by up to seconds, as Linux says in its log ("TSC ADJUST differs"): guests are told that their
/// cores have one clock, and cannot mend it, since neither register is theirs to write.
public struct ClockAdjustment: Sendable {
    public static let register: UInt32 = 0x3B
    private let value: UInt64
    /// How far the bits of an APIC id go that tell processors of one package apart, and the boot core's package.
    private let packageBits: UInt32, package: UInt32

    /// On the boot core; nil where there is no such register (CPUID 7 EBX bit 1).
    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID.
    ///   - read: reads an MSR, where it is there.
    public init?(_ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters, read: (UInt32) -> UInt64) {
        guard native(0, 0).eax >= 0xB, native(7, 0).ebx & 1 << 1 != 0 else { return nil }
        packageBits = Topology(vendor, native: native).packageBits
        (value, package) = (read(Self.register), native(0xB, 0).edx >> packageBits)
    }

    /// On a core, before anything is timed by it. Between packages firmware may have made clocks the same by this very register: others' are left.
    public func adopt(by apicID: UInt32, write: (UInt32, UInt64) -> Void) {
        if apicID >> packageBits == package { write(Self.register, value) }
    }
}
