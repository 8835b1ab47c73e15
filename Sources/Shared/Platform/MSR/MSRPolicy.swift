import X86

/// Which model-specific registers exist for a guest. All others are refused.
public enum MSRPolicy {
    /// In ascending order and disjoint (AMD APM vol. 2, appendix A; Intel SDM vol. 4).
    public static let entries: [23 of MSREntry] = [
        // Writing it would shift the core's own time.
        MSREntry(first: 0x10, last: 0x10, rule: .passThrough(.readOnly), name: "TSC"),
        MSREntry(first: 0x1B, last: 0x1B, rule: .readable, name: "APIC_BASE"),
        // Speculation controls act on this core alone, and a core is one partition's alone.
        MSREntry(first: 0x48, last: 0x48, rule: .passThrough(.readWrite), name: "SPEC_CTRL"),
        MSREntry(first: 0x49, last: 0x49, rule: .passThrough(.writeOnly), name: "PRED_CMD"),
        MSREntry(first: 0x8B, last: 0x8B, rule: .readable, name: "PATCH_LEVEL"),
        MSREntry(first: 0x174, last: 0x176, rule: .passThrough(.readWrite), name: "SYSENTER_CS, ESP, EIP"),
        // Linux reads it before it could take a fault, and five times.
        MSREntry(
            first: 0x1A0, last: 0x1A0, rule: .readable, name: "MISC_ENABLE", vendor: .intel),
        // SVM swaps it with the VMCB's g_pat, VMX with the VMCS's guest and host fields.
        MSREntry(first: 0x277, last: 0x277, rule: .passThrough(.readWrite), name: "PAT"),
        MSREntry(first: 0x800, last: 0x82E, rule: .passThrough(.readWrite), name: "x2APIC"),
        // Linux reads it where the version register counts seven entries or more.
        MSREntry(
            first: 0x82F, last: 0x82F, rule: .emulated, name: "x2APIC LVT: CMCI", vendor: .intel
        ),
        MSREntry(first: 0x830, last: 0x830, rule: .emulated, name: "x2APIC ICR"),
        MSREntry(first: 0x831, last: 0x832, rule: .passThrough(.readWrite), name: "x2APIC"),
        // Their delivery mode could be SMI or INIT.
        MSREntry(
            first: 0x833, last: 0x837, rule: .emulated,
            name: "x2APIC LVT: thermal, performance, LINT0, LINT1, error"),
        MSREntry(first: 0x838, last: 0x83F, rule: .passThrough(.readWrite), name: "x2APIC"),
        MSREntry(
            first: KVMClock.wallClockMSR, last: KVMClock.wallClockMSR, rule: .emulated,
            name: "kvmclock wall clock"),
        MSREntry(
            first: KVMClock.systemTimeMSR, last: KVMClock.systemTimeMSR, rule: .emulated,
            name: "kvmclock system time"),
        MSREntry(first: 0xC000_0080, last: 0xC000_0080, rule: .emulated, name: "EFER"),
        MSREntry(
            first: 0xC000_0081, last: 0xC000_0084, rule: .passThrough(.readWrite), name: "STAR, LSTAR, CSTAR, SFMASK"),
        MSREntry(
            first: 0xC000_0100, last: 0xC000_0102, rule: .passThrough(.readWrite),
            name: "FS_BASE, GS_BASE, KERNEL_GS_BASE"),
        MSREntry(first: 0xC000_0103, last: 0xC000_0103, rule: .passThrough(.readWrite), name: "TSC_AUX"),
        MSREntry(
            first: 0xC001_0015, last: 0xC001_0015, rule: .emulated, name: "HWCR", vendor: .amd),
        MSREntry(
            first: 0xC001_001F, last: 0xC001_001F, rule: .emulated, name: "NB_CFG1",
            vendor: .amd),
        MSREntry(
            first: 0xC001_1029, last: 0xC001_1029, rule: .emulated, name: "DE_CFG", vendor: .amd),
    ]

    /// The rule for one register on a processor of `vendor`, found in at most five steps.
    public static func lookup(_ msr: UInt32, _ vendor: Vendor) -> MSRRule {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if msr < entries[middle].first {
                high = middle
            } else if msr > entries[middle].last {
                low = middle + 1
            } else {
                return entries[middle].exists(on: vendor) ? entries[middle].rule : .refused
            }
        }
        return .refused
    }
}
