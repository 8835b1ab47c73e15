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
    /// Whether INS and OUTS report their operands when they exit.
    public var reportsStringOperands: Bool { rawValue >> 54 & 1 == 1 }
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

    private func has(_ bit: UInt64) -> Bool { rawValue >> bit & 1 == 1 }

    public var executeOnly: Bool { has(0) }
    public var fourLevels: Bool { has(6) }
    /// Whether the tables themselves may lie in memory of these types.
    public var uncacheableTables: Bool { has(8) }
    public var writeBackTables: Bool { has(14) }
    public var largePages: Bool { has(16) }
    /// 1 GiB pages. Not required: 2 MiB ones serve instead.
    public var hugePages: Bool { has(17) }
    public var invept: Bool { has(20) }
    public var accessedDirty: Bool { has(21) }
    public var inveptSingleContext: Bool { has(25) }
    public var inveptAllContexts: Bool { has(26) }
    public var invvpid: Bool { has(32) }
    public var invvpidAddress: Bool { has(40) }
    public var invvpidSingleContext: Bool { has(41) }
    public var invvpidAllContexts: Bool { has(42) }
    public var invvpidKeepingGlobals: Bool { has(43) }

    /// What the hypervisor needs and the processor lacks, by name; nil when all is there.
    public var missing: StaticString? {
        if !fourLevels { return "EPT page walks of length 4 (IA32_VMX_EPT_VPID_CAP bit 6)" }
        if !writeBackTables { return "write-back EPT tables (IA32_VMX_EPT_VPID_CAP bit 14)" }
        if !largePages { return "2 MiB EPT pages (IA32_VMX_EPT_VPID_CAP bit 16)" }
        if !invept { return "INVEPT (IA32_VMX_EPT_VPID_CAP bit 20)" }
        if !inveptSingleContext { return "single-context INVEPT (IA32_VMX_EPT_VPID_CAP bit 25)" }
        if !inveptAllContexts { return "all-context INVEPT (IA32_VMX_EPT_VPID_CAP bit 26)" }
        if !invvpid { return "INVVPID (IA32_VMX_EPT_VPID_CAP bit 32)" }
        if !invvpidSingleContext { return "single-context INVVPID (IA32_VMX_EPT_VPID_CAP bit 41)" }
        if !invvpidAllContexts { return "all-context INVVPID (IA32_VMX_EPT_VPID_CAP bit 42)" }
        return nil
    }
}
