import X86

/// Which model-specific registers exist for a guest. All others are refused.
public enum MSRPolicy {
    /// In ascending order and disjoint (AMD APM vol. 2, appendix A; Intel SDM vol. 4).
    public static let entries: [24 of MSREntry] = [
        // Writing it would shift the core's own time.
        MSREntry(0x10, rule: .readOnly),  // TSC
        // Which core is the machine's bootstrap processor is no guest's business.
        MSREntry(0x1B, rule: .emulated),  // APIC_BASE
        // Speculation controls act on this core alone, and a core is one partition's alone.
        MSREntry(0x48, rule: .readWrite),  // SPEC_CTRL
        MSREntry(0x49, rule: .writeOnly),  // PRED_CMD
        MSREntry(0x8B, rule: .readable),  // PATCH_LEVEL
        MSREntry(0x174, 0x176, rule: .readWrite),  // SYSENTER_CS, ESP, EIP
        // Linux reads it before it could take a fault, and five times.
        MSREntry(0x1A0, rule: .readable, vendor: .intel),  // MISC_ENABLE
        // SVM swaps it with the VMCB's g_pat, VMX with the VMCS's guest and host fields.
        MSREntry(0x277, rule: .readWrite),  // PAT
        MSREntry(0x800, 0x82E, rule: .readWrite),  // x2APIC
        // Linux reads it where the version register counts seven entries or more.
        MSREntry(0x82F, rule: .emulated, vendor: .intel),  // x2APIC LVT: CMCI
        MSREntry(0x830, rule: .emulated),  // x2APIC ICR
        MSREntry(0x831, 0x832, rule: .readWrite),  // x2APIC
        // Their delivery mode could be SMI or INIT.
        MSREntry(0x833, 0x837, rule: .emulated),  // x2APIC LVT: thermal, performance, LINT0, LINT1, error
        MSREntry(0x838, 0x83F, rule: .readWrite),  // x2APIC
        MSREntry(KVMClock.wallClockMSR, rule: .emulated),  // kvmclock wall clock
        MSREntry(KVMClock.systemTimeMSR, rule: .emulated),  // kvmclock system time
        MSREntry(0xC000_0080, rule: .emulated),  // EFER
        MSREntry(0xC000_0081, 0xC000_0084, rule: .readWrite),  // STAR, LSTAR, CSTAR, SFMASK
        MSREntry(0xC000_0100, 0xC000_0102, rule: .readWrite),  // FS_BASE, GS_BASE, KERNEL_GS_BASE
        MSREntry(0xC000_0103, rule: .readWrite),  // TSC_AUX
        // Old kernels look at them without asking CPUID.
        MSREntry(0xC001_0000, 0xC001_0007, rule: .emulated, vendor: .amd),  // PERF_CTL0 to 3, PERF_CTR0 to 3
        MSREntry(0xC001_0015, rule: .emulated, vendor: .amd),  // HWCR
        MSREntry(0xC001_001F, rule: .emulated, vendor: .amd),  // NB_CFG1
        MSREntry(0xC001_1029, rule: .emulated, vendor: .amd),  // DE_CFG
    ]
}
