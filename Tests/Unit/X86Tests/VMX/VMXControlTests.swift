import Testing
import X86

/// Positions of the controls, after Intel SDM volume 3C, sections 25.6.1, 25.6.2, 25.7.1 and 25.8.1.
@Suite struct VMXControlTests {
    @Test(
        arguments: [
            (3, PinControl.nmiExiting), (5, PinControl.virtualNMIs), (6, PinControl.preemptionTimer),
            (3, ProcessorControl.tscOffsetting), (10, ProcessorControl.mwaitExiting),
            (11, ProcessorControl.rdpmcExiting), (22, ProcessorControl.nmiWindowExiting),
            (25, ProcessorControl.ioBitmaps), (28, ProcessorControl.msrBitmaps), (29, ProcessorControl.monitorExiting),
            (31, ProcessorControl.secondaryControls), (1, SecondaryControl.ept), (3, SecondaryControl.rdtscp),
            (5, SecondaryControl.vpid), (6, SecondaryControl.wbinvdExiting), (7, SecondaryControl.unrestrictedGuest),
            (12, SecondaryControl.invpcid), (2, ExitControl.saveDebugControls), (9, ExitControl.hostAddressSpaceSize),
            (18, ExitControl.savePAT), (19, ExitControl.loadPAT), (20, ExitControl.saveEFER),
            (21, ExitControl.loadEFER), (2, EntryControl.loadDebugControls), (9, EntryControl.ia32eModeGuest),
            (14, EntryControl.loadPAT), (15, EntryControl.loadEFER),
        ] as [(UInt32, UInt32)]) func positions(bit: UInt32, mask: UInt32)
    {
        #expect(mask == 1 << bit)
    }

    static let sets: [ControlSet] = [.pin, .processor, .secondary, .exit, .entry]

    @Test(arguments: sets) func aBitHasOneRole(set: ControlSet) {
        let roles = [set.required, set.wanted, set.reserved, set.forbidden]
        #expect(roles.reduce(0) { $0 + $1.nonzeroBitCount } == 32 && roles.reduce(0, |) == .max)
        // What is switched, and what stands in for another control, is 0 to begin with.
        #expect((set.switched | set.substitute) & ~set.forbidden == 0)
    }
}
