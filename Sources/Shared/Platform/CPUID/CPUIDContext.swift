import X86

/// What CPUID's answers depend on beside the processor.
public struct CPUIDContext: Sendable {
    /// The x2APIC id of the core.
    public var apicID: UInt32
    public var vcpuCount: UInt32
    /// How many low bits of an APIC id tell the partition's cores apart; they make one package.
    public var apicIDBits: UInt32
    /// The guest's CR4.
    public var cr4: UInt64
    public var tscKHz: UInt32
    /// Frequency of the local APIC timer before its divider; 0 when it is not known.
    public var apicTimerKHz: UInt32
    /// Whose processor it is: some bits mean something to one vendor's guests alone.
    public var vendor = Vendor.amd
    /// As the guest has set it: a processor whose local APIC is off has none (Intel SDM volume 3A, section 11.4.3).
    public var apicMode = APICMode.x2APIC
    var apicBit: UInt32 { apicMode == .off ? 0 : 1 << 9 }

    /// The context of vCPU `index`, which the platform must have; CR4 as after a reset.
    public init(_ platform: borrowing PlatformDescription, vcpu index: Int, apicTimerKHz: UInt32 = 0) {
        apicID = platform.apicIDs[index]
        vcpuCount = UInt32(platform.vcpuCount)
        var highest: UInt32 = 0
        for i in 0..<platform.vcpuCount { highest = max(highest, platform.apicIDs[i]) }
        apicIDBits = UInt32(32 - highest.leadingZeroBitCount)
        cr4 = 0
        tscKHz = platform.tscKHz
        self.apicTimerKHz = apicTimerKHz
    }
}
