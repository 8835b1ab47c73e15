@testable import CrashReports
import Testing
import X86

/// Names of the controls, after Intel SDM volume 3C, sections 25.6.1, 25.6.2, 25.7.1 and 25.8.1.
@Suite struct VMXControlNameTests {
    @Test(
        arguments: [
            (.pin, 0, "external-interrupt exiting"), (.pin, 3, "NMI exiting"), (.pin, 5, "virtual NMIs"),
            (.pin, 6, "activate VMX-preemption timer"), (.pin, 7, "process posted interrupts"),
            (.processor, 2, "interrupt-window exiting"), (.processor, 3, "use TSC offsetting"),
            (.processor, 7, "HLT exiting"), (.processor, 9, "INVLPG exiting"), (.processor, 10, "MWAIT exiting"),
            (.processor, 11, "RDPMC exiting"), (.processor, 12, "RDTSC exiting"),
            (.processor, 15, "CR3-load exiting"), (.processor, 16, "CR3-store exiting"),
            (.processor, 17, "activate tertiary controls"), (.processor, 19, "CR8-load exiting"),
            (.processor, 20, "CR8-store exiting"), (.processor, 21, "use TPR shadow"),
            (.processor, 22, "NMI-window exiting"), (.processor, 23, "MOV-DR exiting"),
            (.processor, 24, "unconditional I/O exiting"), (.processor, 25, "use I/O bitmaps"),
            (.processor, 27, "monitor trap flag"), (.processor, 28, "use MSR bitmaps"),
            (.processor, 29, "MONITOR exiting"), (.processor, 30, "PAUSE exiting"),
            (.processor, 31, "activate secondary controls"), (.secondary, 0, "virtualize APIC accesses"),
            (.secondary, 1, "enable EPT"), (.secondary, 2, "descriptor-table exiting"),
            (.secondary, 3, "enable RDTSCP"), (.secondary, 4, "virtualize x2APIC mode"),
            (.secondary, 5, "enable VPID"), (.secondary, 6, "WBINVD exiting"), (.secondary, 7, "unrestricted guest"),
            (.secondary, 8, "APIC-register virtualization"), (.secondary, 9, "virtual-interrupt delivery"),
            (.secondary, 10, "PAUSE-loop exiting"), (.secondary, 11, "RDRAND exiting"),
            (.secondary, 12, "enable INVPCID"), (.secondary, 13, "enable VM functions"),
            (.secondary, 14, "VMCS shadowing"), (.secondary, 15, "enable ENCLS exiting"),
            (.secondary, 16, "RDSEED exiting"), (.secondary, 17, "enable PML"),
            (.secondary, 18, "EPT-violation #VE"), (.secondary, 19, "conceal VMX from PT"),
            (.secondary, 20, "enable XSAVES/XRSTORS"), (.secondary, 22, "mode-based execute control for EPT"),
            (.secondary, 25, "use TSC scaling"), (.secondary, 26, "enable user wait and pause"),
            (.exit, 2, "save debug controls"), (.exit, 9, "host address-space size"),
            (.exit, 12, "load IA32_PERF_GLOBAL_CTRL"), (.exit, 15, "acknowledge interrupt on exit"),
            (.exit, 18, "save IA32_PAT"), (.exit, 19, "load IA32_PAT"), (.exit, 20, "save IA32_EFER"),
            (.exit, 21, "load IA32_EFER"), (.exit, 22, "save VMX-preemption timer value"),
            (.exit, 23, "clear IA32_BNDCFGS"), (.exit, 24, "conceal VMX from PT"),
            (.exit, 31, "activate secondary controls"), (.entry, 2, "load debug controls"),
            (.entry, 9, "IA-32e mode guest"), (.entry, 10, "entry to SMM"),
            (.entry, 11, "deactivate dual-monitor treatment"), (.entry, 13, "load IA32_PERF_GLOBAL_CTRL"),
            (.entry, 14, "load IA32_PAT"), (.entry, 15, "load IA32_EFER"), (.entry, 16, "load IA32_BNDCFGS"),
            (.entry, 17, "conceal VMX from PT"),
        ] as [(ControlKind, Int, String)]) func names(kind: ControlKind, bit: Int, name: String)
    {
        #expect(VMXControlName.name(kind, bit: bit) == name)
    }

    @Test func everyControlThatIsAskedForHasItsOwnName() {
        let sets: [(ControlKind, ControlSet)] = [
            (.pin, .pin), (.processor, .processor), (.secondary, .secondary), (.exit, .exit), (.entry, .entry),
        ]
        for (kind, set) in sets {
            #expect(VMXControlName.name(kind, bit: 32) == nil)
            var names: Set<String> = []
            let all = set.required | set.wanted | set.switched | set.substitute
            for bit in 0..<32 where all >> UInt32(bit) & 1 == 1 {
                let name = VMXControlName.name(kind, bit: bit)
                #expect(name != nil, "\(kind) \(bit)")
                #expect(names.insert(name ?? "").inserted)
            }
        }
    }
}
