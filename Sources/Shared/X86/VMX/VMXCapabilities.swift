/// IA32_VMX_BASIC, MSR 480h (Intel SDM volume 3D, appendix A.1).
public struct VMXBasic: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What the first four bytes of a VMXON region or VMCS must hold.
    public var revision: UInt32 { UInt32(truncatingIfNeeded: rawValue) & 0x7FFF_FFFF }
    /// Bytes of a VMXON region or VMCS: above 0, at most 4096.
    public var regionSize: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) & 0x1FFF }
    /// Whether VMX structures have to lie below 4 GiB.
    public var needsLowMemory: Bool { rawValue >> 48 & 1 == 1 }
    /// The memory type with which the processor reaches VMX structures; nil for a reserved one.
    public var memoryType: MemoryType? { MemoryType(rawValue: UInt8(truncatingIfNeeded: rawValue >> 50 & 15)) }
    /// Whether the capability registers of the "true" controls, MSRs 48Dh to 490h, exist.
    public var hasTrueControls: Bool { rawValue >> 55 & 1 == 1 }

    /// What the hypervisor needs and the processor lacks, by name; nil when all is there.
    public var missing: StaticString? {
        if !hasTrueControls { return "true VMX controls (IA32_VMX_BASIC bit 55)" }
        if memoryType != .writeBack { return "write-back VMX structures (IA32_VMX_BASIC bits 53:50)" }
        if regionSize == 0 || regionSize > 4096 { return "a VMX region of 1 to 4096 bytes (IA32_VMX_BASIC bits 44:32)" }
        if needsLowMemory { return "VMX structures above 4 GiB (IA32_VMX_BASIC bit 48)" }
        return nil
    }
}

/// IA32_VMX_EPT_VPID_CAP, MSR 48Ch (Intel SDM volume 3D, appendix A.10).
public struct EPTCapability: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// 1 GiB pages. Not required: 2 MiB ones serve instead.
    public var hugePages: Bool { rawValue >> 17 & 1 == 1 }

    /// What the hypervisor needs and the processor lacks, by name; nil when all is there.
    public var missing: StaticString? {
        let required: [9 of (bit: UInt64, name: StaticString)] = [
            (6, "EPT page walks of length 4 (IA32_VMX_EPT_VPID_CAP bit 6)"),
            (14, "write-back EPT tables (IA32_VMX_EPT_VPID_CAP bit 14)"),
            (16, "2 MiB EPT pages (IA32_VMX_EPT_VPID_CAP bit 16)"),
            (20, "INVEPT (IA32_VMX_EPT_VPID_CAP bit 20)"),
            (25, "single-context INVEPT (IA32_VMX_EPT_VPID_CAP bit 25)"),
            (26, "all-context INVEPT (IA32_VMX_EPT_VPID_CAP bit 26)"),
            (32, "INVVPID (IA32_VMX_EPT_VPID_CAP bit 32)"),
            (41, "single-context INVVPID (IA32_VMX_EPT_VPID_CAP bit 41)"),
            (42, "all-context INVVPID (IA32_VMX_EPT_VPID_CAP bit 42)"),
        ]
        for i in required.indices where rawValue >> required[i].bit & 1 == 0 { return required[i].name }
        return nil
    }
}
