import X86

/// Which model-specific registers a guest reaches in the processor. `MSREmulation` has those that the hypervisor answers for;
/// all others are refused.
public enum MSRPolicy {
    /// In ascending order and disjoint (AMD APM vol. 2, appendix A; Intel SDM vol. 4).
    public static let entries: [12 of MSREntry] = [
        // Writing it would shift the core's own time.
        MSREntry(0x10, rule: .readOnly),  // TSC
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
        MSREntry(0x831, 0x832, rule: .readWrite),  // x2APIC
        MSREntry(0x838, 0x83F, rule: .readWrite),  // x2APIC
        MSREntry(0xC000_0081, 0xC000_0084, rule: .readWrite),  // STAR, LSTAR, CSTAR, SFMASK
        MSREntry(0xC000_0100, 0xC000_0103, rule: .readWrite),  // FS_BASE, GS_BASE, KERNEL_GS_BASE, TSC_AUX
    ]
}
