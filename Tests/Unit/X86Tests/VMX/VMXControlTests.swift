import Testing
import X86

/// Positions of the controls, after Intel SDM volume 3C, sections 25.6.1, 25.6.2, 25.7.1 and 25.8.1.
@Suite struct VMXControlTests {
    @Test(
        arguments: [
            (.pin, 0, "external-interrupt exiting", PinControl.externalInterruptExiting),
            (.pin, 3, "NMI exiting", PinControl.nmiExiting), (.pin, 5, "virtual NMIs", PinControl.virtualNMIs),
            (.pin, 6, "activate VMX-preemption timer", PinControl.preemptionTimer),
            (.pin, 7, "process posted interrupts", PinControl.postedInterrupts),
            (.processor, 2, "interrupt-window exiting", ProcessorControl.interruptWindowExiting),
            (.processor, 3, "use TSC offsetting", ProcessorControl.tscOffsetting),
            (.processor, 7, "HLT exiting", ProcessorControl.hltExiting),
            (.processor, 9, "INVLPG exiting", ProcessorControl.invlpgExiting),
            (.processor, 10, "MWAIT exiting", ProcessorControl.mwaitExiting),
            (.processor, 11, "RDPMC exiting", ProcessorControl.rdpmcExiting),
            (.processor, 12, "RDTSC exiting", ProcessorControl.rdtscExiting),
            (.processor, 15, "CR3-load exiting", ProcessorControl.cr3LoadExiting),
            (.processor, 16, "CR3-store exiting", ProcessorControl.cr3StoreExiting),
            (.processor, 17, "activate tertiary controls", ProcessorControl.tertiaryControls),
            (.processor, 19, "CR8-load exiting", ProcessorControl.cr8LoadExiting),
            (.processor, 20, "CR8-store exiting", ProcessorControl.cr8StoreExiting),
            (.processor, 21, "use TPR shadow", ProcessorControl.tprShadow),
            (.processor, 22, "NMI-window exiting", ProcessorControl.nmiWindowExiting),
            (.processor, 23, "MOV-DR exiting", ProcessorControl.movDRExiting),
            (.processor, 24, "unconditional I/O exiting", ProcessorControl.unconditionalIOExiting),
            (.processor, 25, "use I/O bitmaps", ProcessorControl.ioBitmaps),
            (.processor, 27, "monitor trap flag", ProcessorControl.monitorTrapFlag),
            (.processor, 28, "use MSR bitmaps", ProcessorControl.msrBitmaps),
            (.processor, 29, "MONITOR exiting", ProcessorControl.monitorExiting),
            (.processor, 30, "PAUSE exiting", ProcessorControl.pauseExiting),
            (.processor, 31, "activate secondary controls", ProcessorControl.secondaryControls),
        ] as [(ControlKind, UInt32, String, UInt32)])
    func pinAndPrimary(kind: ControlKind, bit: UInt32, name: String, mask: UInt32) { check(kind, bit, name, mask) }

    @Test(
        arguments: [
            (.secondary, 0, "virtualize APIC accesses", SecondaryControl.virtualizeAPICAccesses),
            (.secondary, 1, "enable EPT", SecondaryControl.ept),
            (.secondary, 2, "descriptor-table exiting", SecondaryControl.descriptorTableExiting),
            (.secondary, 3, "enable RDTSCP", SecondaryControl.rdtscp),
            (.secondary, 4, "virtualize x2APIC mode", SecondaryControl.virtualizeX2APIC),
            (.secondary, 5, "enable VPID", SecondaryControl.vpid),
            (.secondary, 6, "WBINVD exiting", SecondaryControl.wbinvdExiting),
            (.secondary, 7, "unrestricted guest", SecondaryControl.unrestrictedGuest),
            (.secondary, 8, "APIC-register virtualization", SecondaryControl.apicRegisterVirtualization),
            (.secondary, 9, "virtual-interrupt delivery", SecondaryControl.virtualInterruptDelivery),
            (.secondary, 10, "PAUSE-loop exiting", SecondaryControl.pauseLoopExiting),
            (.secondary, 11, "RDRAND exiting", SecondaryControl.rdrandExiting),
            (.secondary, 12, "enable INVPCID", SecondaryControl.invpcid),
            (.secondary, 13, "enable VM functions", SecondaryControl.vmFunctions),
            (.secondary, 14, "VMCS shadowing", SecondaryControl.vmcsShadowing),
            (.secondary, 15, "enable ENCLS exiting", SecondaryControl.enclsExiting),
            (.secondary, 16, "RDSEED exiting", SecondaryControl.rdseedExiting),
            (.secondary, 17, "enable PML", SecondaryControl.pageModificationLogging),
            (.secondary, 18, "EPT-violation #VE", SecondaryControl.eptViolationException),
            (.secondary, 19, "conceal VMX from PT", SecondaryControl.concealFromTrace),
            (.secondary, 20, "enable XSAVES/XRSTORS", SecondaryControl.xsaves),
            (.secondary, 22, "mode-based execute control for EPT", SecondaryControl.modeBasedExecute),
            (.secondary, 25, "use TSC scaling", SecondaryControl.tscScaling),
            (.secondary, 26, "enable user wait and pause", SecondaryControl.userWait),
        ] as [(ControlKind, UInt32, String, UInt32)])
    func secondary(kind: ControlKind, bit: UInt32, name: String, mask: UInt32) { check(kind, bit, name, mask) }

    @Test(
        arguments: [
            (.exit, 2, "save debug controls", ExitControl.saveDebugControls),
            (.exit, 9, "host address-space size", ExitControl.hostAddressSpaceSize),
            (.exit, 12, "load IA32_PERF_GLOBAL_CTRL", ExitControl.loadPerformanceControl),
            (.exit, 15, "acknowledge interrupt on exit", ExitControl.acknowledgeInterrupt),
            (.exit, 18, "save IA32_PAT", ExitControl.savePAT), (.exit, 19, "load IA32_PAT", ExitControl.loadPAT),
            (.exit, 20, "save IA32_EFER", ExitControl.saveEFER), (.exit, 21, "load IA32_EFER", ExitControl.loadEFER),
            (.exit, 22, "save VMX-preemption timer value", ExitControl.savePreemptionTimer),
            (.exit, 23, "clear IA32_BNDCFGS", ExitControl.clearBoundConfiguration),
            (.exit, 24, "conceal VMX from PT", ExitControl.concealFromTrace),
            (.exit, 31, "activate secondary controls", ExitControl.secondaryControls),
            (.entry, 2, "load debug controls", EntryControl.loadDebugControls),
            (.entry, 9, "IA-32e mode guest", EntryControl.ia32eModeGuest),
            (.entry, 10, "entry to SMM", EntryControl.entryToSMM),
            (.entry, 11, "deactivate dual-monitor treatment", EntryControl.deactivateDualMonitor),
            (.entry, 13, "load IA32_PERF_GLOBAL_CTRL", EntryControl.loadPerformanceControl),
            (.entry, 14, "load IA32_PAT", EntryControl.loadPAT), (.entry, 15, "load IA32_EFER", EntryControl.loadEFER),
            (.entry, 16, "load IA32_BNDCFGS", EntryControl.loadBoundConfiguration),
            (.entry, 17, "conceal VMX from PT", EntryControl.concealFromTrace),
        ] as [(ControlKind, UInt32, String, UInt32)])
    func exitAndEntry(kind: ControlKind, bit: UInt32, name: String, mask: UInt32) { check(kind, bit, name, mask) }

    private func check(_ kind: ControlKind, _ bit: UInt32, _ name: String, _ mask: UInt32) {
        #expect(mask == 1 << bit, "\(name)")
        guard let set = Self.sets.first(where: { $0.kind == kind }) else {
            Issue.record("no set for \(kind)")
            return
        }
        #expect(set.name(of: mask).description == name)
    }

    static let sets: [ControlSet] = [.pin, .processor, .secondary, .exit, .entry]

    @Test func everyControlThatIsAskedForHasItsOwnName() {
        for set in Self.sets {
            let reserved = set.name(of: 0).description
            #expect(reserved.hasPrefix("a reserved "))
            var names: Set<String> = []
            let all = set.required | set.wanted | set.forbidden | set.switched | set.substitute
            for bit in 0..<32 as Range<UInt32> where all >> bit & 1 == 1 {
                let name = set.name(of: 1 << bit).description
                #expect(name != reserved, "\(set.kind) \(bit)")
                #expect(names.insert(name).inserted)
            }
        }
    }

    @Test(arguments: sets) func aBitHasOneRole(set: ControlSet) {
        let roles = [set.required, set.wanted, set.forbidden, set.switched, set.substitute]
        #expect(roles.reduce(0) { $0 + $1.nonzeroBitCount } == roles.reduce(0, |).nonzeroBitCount)
    }
}
