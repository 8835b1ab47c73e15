import Testing
import X86

/// Positions of the controls, after Intel SDM volume 3C, sections 25.6.1, 25.6.2, 25.7.1 and 25.8.1.
@Suite struct VMXControlTests {
    @Test(
        arguments: [
            (0, PinControl.externalInterruptExiting), (3, PinControl.nmiExiting), (5, PinControl.virtualNMIs),
            (6, PinControl.preemptionTimer), (7, PinControl.postedInterrupts),
            (2, ProcessorControl.interruptWindowExiting), (3, ProcessorControl.tscOffsetting),
            (7, ProcessorControl.hltExiting), (9, ProcessorControl.invlpgExiting),
            (10, ProcessorControl.mwaitExiting), (11, ProcessorControl.rdpmcExiting),
            (12, ProcessorControl.rdtscExiting), (15, ProcessorControl.cr3LoadExiting),
            (16, ProcessorControl.cr3StoreExiting), (19, ProcessorControl.cr8LoadExiting),
            (20, ProcessorControl.cr8StoreExiting), (21, ProcessorControl.tprShadow),
            (22, ProcessorControl.nmiWindowExiting), (23, ProcessorControl.movDRExiting),
            (25, ProcessorControl.ioBitmaps), (28, ProcessorControl.msrBitmaps),
            (29, ProcessorControl.monitorExiting), (30, ProcessorControl.pauseExiting),
            (31, ProcessorControl.secondaryControls), (0, SecondaryControl.virtualizeAPICAccesses),
            (1, SecondaryControl.ept), (2, SecondaryControl.descriptorTableExiting), (3, SecondaryControl.rdtscp),
            (4, SecondaryControl.virtualizeX2APIC), (5, SecondaryControl.vpid), (6, SecondaryControl.wbinvdExiting),
            (7, SecondaryControl.unrestrictedGuest), (12, SecondaryControl.invpcid), (26, SecondaryControl.userWait),
            (2, ExitControl.saveDebugControls), (9, ExitControl.hostAddressSpaceSize),
            (15, ExitControl.acknowledgeInterrupt), (18, ExitControl.savePAT), (19, ExitControl.loadPAT),
            (20, ExitControl.saveEFER), (21, ExitControl.loadEFER), (2, EntryControl.loadDebugControls),
            (9, EntryControl.ia32eModeGuest), (14, EntryControl.loadPAT), (15, EntryControl.loadEFER),
        ] as [(UInt32, UInt32)]) func positions(bit: UInt32, mask: UInt32)
    {
        #expect(mask == 1 << bit)
    }

    static let sets: [ControlSet] = [.pin, .processor, .secondary, .exit, .entry]

    @Test(arguments: sets) func aBitHasOneRole(set: ControlSet) {
        // The substitute may be switched where it is not needed for good.
        let roles = [set.required, set.wanted, set.forbidden, set.switched & ~set.substitute, set.substitute]
        #expect(roles.reduce(0) { $0 + $1.nonzeroBitCount } == roles.reduce(0, |).nonzeroBitCount)
    }
}
