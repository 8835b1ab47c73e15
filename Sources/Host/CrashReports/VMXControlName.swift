import X86

/// Which field of VMX controls a name is about.
public enum ControlKind: Sendable { case pin, processor, secondary, exit, entry }

/// The manual's names of VMX controls, for refusals that give a bit's number and the MSR that says whether it is offered (Intel
/// SDM volume 3C, sections 25.6 to 25.8).
public enum VMXControlName {
    /// The name of a control; nil for a reserved one.
    public static func name(_ kind: ControlKind, bit: Int) -> String? { names[kind]?[bit] }

    private static let names: [ControlKind: [Int: String]] = [
        .pin: [
            0: "external-interrupt exiting", 3: "NMI exiting", 5: "virtual NMIs", 6: "activate VMX-preemption timer",
            7: "process posted interrupts",
        ],
        .processor: [
            2: "interrupt-window exiting", 3: "use TSC offsetting", 7: "HLT exiting", 9: "INVLPG exiting",
            10: "MWAIT exiting", 11: "RDPMC exiting", 12: "RDTSC exiting", 15: "CR3-load exiting",
            16: "CR3-store exiting", 17: "activate tertiary controls", 19: "CR8-load exiting",
            20: "CR8-store exiting", 21: "use TPR shadow", 22: "NMI-window exiting", 23: "MOV-DR exiting",
            24: "unconditional I/O exiting", 25: "use I/O bitmaps", 27: "monitor trap flag", 28: "use MSR bitmaps",
            29: "MONITOR exiting", 30: "PAUSE exiting", 31: "activate secondary controls",
        ],
        .secondary: [
            0: "virtualize APIC accesses", 1: "enable EPT", 2: "descriptor-table exiting", 3: "enable RDTSCP",
            4: "virtualize x2APIC mode", 5: "enable VPID", 6: "WBINVD exiting", 7: "unrestricted guest",
            8: "APIC-register virtualization", 9: "virtual-interrupt delivery", 10: "PAUSE-loop exiting",
            11: "RDRAND exiting", 12: "enable INVPCID", 13: "enable VM functions", 14: "VMCS shadowing",
            15: "enable ENCLS exiting", 16: "RDSEED exiting", 17: "enable PML", 18: "EPT-violation #VE",
            19: "conceal VMX from PT", 20: "enable XSAVES/XRSTORS", 22: "mode-based execute control for EPT",
            25: "use TSC scaling", 26: "enable user wait and pause",
        ],
        .exit: [
            2: "save debug controls", 9: "host address-space size", 12: "load IA32_PERF_GLOBAL_CTRL",
            15: "acknowledge interrupt on exit", 18: "save IA32_PAT", 19: "load IA32_PAT", 20: "save IA32_EFER",
            21: "load IA32_EFER", 22: "save VMX-preemption timer value", 23: "clear IA32_BNDCFGS",
            24: "conceal VMX from PT", 31: "activate secondary controls",
        ],
        .entry: [
            2: "load debug controls", 9: "IA-32e mode guest", 10: "entry to SMM",
            11: "deactivate dual-monitor treatment", 13: "load IA32_PERF_GLOBAL_CTRL", 14: "load IA32_PAT",
            15: "load IA32_EFER", 16: "load IA32_BNDCFGS", 17: "conceal VMX from PT",
        ],
    ]
}
