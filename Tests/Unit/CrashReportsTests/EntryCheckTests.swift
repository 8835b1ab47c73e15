@testable import CrashReports
import Testing
import X86

/// Good guest states with one thing wrong at a time: the check that fails is the manual's (Intel SDM volume 3C, section
/// 27.3.1), and names that thing.
@Suite struct EntryCheckTests {
    /// What a Skylake reports, with CET's bit in CR4 beside it.
    static let rules = EntryRules(
        cr0Fixed0: 0x8000_0021, cr0Fixed1: 0xFFFF_FFFF, cr4Fixed0: 0x2000, cr4Fixed1: 0xB7_27FF, misc: 0x1C0,
        physicalBits: 39, linearBits: 48)

    @Test(arguments: [GuestState.kernel64, .program32, .startUp, .virtual8086]) func goodStatesPass(state: GuestState) {
        let failure = failedEntryCheck(state, Self.rules)
        #expect(failure == nil, "\(failure?.subject.description ?? ""): \(failure?.problem.description ?? "")")
    }

    /// Expects `changed` to fail by the check with these words, and by its section.
    private func expect(_ words: String, of subject: String, _ section: String, _ changed: GuestState) {
        let failure = failedEntryCheck(changed, Self.rules)
        #expect(failure?.subject.description == subject, "\(words)")
        #expect(failure?.problem.description.contains(words) == true, "\(failure?.problem.description ?? "passes")")
        #expect(failure?.section.description == section, "\(words)")
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let from: GuestState
        let field: UInt32
        let value: UInt64
        let subject: String
        let words: String
        init(_ from: GuestState, _ field: UInt32, _ value: UInt64, _ subject: String, _ words: String) {
            self.from = from
            self.field = field
            self.value = value
            self.subject = subject
            self.words = words
        }
        var testDescription: String { "\(subject): \(words)" }
    }

    private func check(_ change: Change, _ section: String) {
        var state = change.from
        state[change.field] = change.value
        expect(change.words, of: change.subject, section, state)
        #expect(failedEntryCheck(state, Self.rules)?.field == change.field)
    }

    @Test(arguments: [
        Change(.kernel64, VMCSField.guestCR0, 0x8005_0013, "CR0", "is 0 that VMX fixes to 1"),
        Change(.kernel64, VMCSField.guestCR0, 0x1_8005_0033, "CR0", "is 1 that VMX fixes to 0"),
        Change(.kernel64, VMCSField.guestCR0, 0x8005_0032, "CR0", "paging without protection"),
        Change(.kernel64, VMCSField.guestCR0, 0x0005_0033, "CR0", "IA-32e mode without paging"),
        Change(.kernel64, VMCSField.guestCR4, 0x2_06A0, "CR4", "is 0 that VMX fixes to 1"),
        Change(.kernel64, VMCSField.guestCR4, 0x102_26A0, "CR4", "is 1 that VMX fixes to 0"),
        Change(.kernel64, VMCSField.guestCR4, 0x2_2680, "CR4", "IA-32e mode without PAE"),
        Change(.program32, VMCSField.guestCR4, 0x2_2620, "CR4", "PCIDE outside"),
        Change(.kernel64, VMCSField.guestDebugControl, 0x8, "IA32_DEBUGCTL", "reserved"),
        Change(.kernel64, VMCSField.guestDebugControl, 0x1_0000, "IA32_DEBUGCTL", "reserved"),
        Change(.kernel64, VMCSField.guestCR3, 1 << 39, "CR3", "beyond the physical"),
        Change(.kernel64, VMCSField.guestDR7, 1 << 32, "DR7", "63:32"),
        Change(.kernel64, VMCSField.guestSysenterESP, 1 << 47, "IA32_SYSENTER_ESP", "canonical"),
        Change(.kernel64, VMCSField.guestSysenterEIP, 0xFFFF << 48, "IA32_SYSENTER_EIP", "canonical"),
        Change(.kernel64, VMCSField.guestPAT, 0x0007_0406_0007_0206, "IA32_PAT", "no memory type"),
        Change(.kernel64, VMCSField.guestPAT, 0x0807_0406_0007_0406, "IA32_PAT", "no memory type"),
        Change(.kernel64, VMCSField.guestEFER, 0x1D01, "IA32_EFER", "reserved"),
        Change(.kernel64, VMCSField.guestEFER, 0x901, "IA32_EFER", "LMA is not what"),
        Change(.program32, VMCSField.guestEFER, 0x400, "IA32_EFER", "LMA is not what"),
        Change(.kernel64, VMCSField.guestEFER, 0xC01, "IA32_EFER", "LMA and LME differ"),
        Change(.program32, VMCSField.guestEFER, 0x100, "IA32_EFER", "LMA and LME differ"),
    ]) func registers(change: Change) { check(change, "27.3.1.1") }

    @Test func controlFlowEnforcementWantsWriteProtection() {
        var state = GuestState.kernel64
        state[VMCSField.guestCR4] |= 1 << 23
        #expect(failedEntryCheck(state, Self.rules) == nil)
        state[VMCSField.guestCR0] &= ~(1 << 16)
        expect("CET without CR0.WP", of: "CR4", "27.3.1.1", state)
    }

    /// Without unrestricted guest real mode is refused; with it, LME may wait for paging.
    @Test func unrestrictedGuestsAreRespected() {
        var state = GuestState.startUp
        state[VMCSField.guestEFER] = 0x100
        #expect(failedEntryCheck(state, Self.rules) == nil)
        state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept)
        expect("is 0 that VMX fixes to 1", of: "CR0", "27.3.1.1", state)
        // The secondary controls count only where they are activated.
        state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept | SecondaryControl.unrestrictedGuest)
        state[VMCSField.processorControls] = 0
        expect("is 0 that VMX fixes to 1", of: "CR0", "27.3.1.1", state)
    }

    /// What a VM entry does not load is not looked at.
    @Test func whatIsNotLoadedIsNotChecked() {
        var state = GuestState.kernel64
        state[VMCSField.entryControls] = UInt64(EntryControl.ia32eModeGuest)
        for field in [VMCSField.guestDebugControl, VMCSField.guestDR7, VMCSField.guestPAT, VMCSField.guestEFER] {
            state[field] = .max
        }
        #expect(failedEntryCheck(state, Self.rules) == nil)
    }

    @Test(arguments: [
        Change(.kernel64, VMCSField.guestGDTRBase, 1 << 47, "GDTR", "canonical"),
        Change(.kernel64, VMCSField.guestIDTRBase, 1 << 63, "IDTR", "canonical"),
        Change(.kernel64, VMCSField.guestGDTRLimit, 0x1_0000, "GDTR", "31:16"),
        Change(.kernel64, VMCSField.guestIDTRLimit, 0xFFFF_FFFF, "IDTR", "31:16"),
    ]) func descriptorTables(change: Change) { check(change, "27.3.1.3") }

    @Test(arguments: [
        Change(.kernel64, VMCSField.guestRIP, 1 << 47, "RIP", "canonical"),
        Change(.program32, VMCSField.guestRIP, 1 << 32, "RIP", "outside of 64-bit code"),
        Change(.kernel64, VMCSField.guestRFLAGS, 0x24E, "RFLAGS", "reserved"),
        Change(.kernel64, VMCSField.guestRFLAGS, 0x8246, "RFLAGS", "reserved"),
        Change(.kernel64, VMCSField.guestRFLAGS, 0x40_0246, "RFLAGS", "reserved"),
        Change(.kernel64, VMCSField.guestRFLAGS, 1 << 63 | 0x246, "RFLAGS", "reserved"),
        Change(.kernel64, VMCSField.guestRFLAGS, 0x244, "RFLAGS", "bit 1 is 0"),
    ]) func pointerAndFlags(change: Change) { check(change, "27.3.1.4") }

    /// In IA-32e mode 32-bit code has a 32-bit pointer.
    @Test func compatibilityMode() {
        var state = GuestState.kernel64
        state[VMCSField.guestCSAccessRights] = 0xC09B
        expect("outside of 64-bit code", of: "RIP", "27.3.1.4", state)
        state[VMCSField.guestRIP] = 0x1000
        #expect(failedEntryCheck(state, Self.rules) == nil)
    }

    @Test func virtual8086IsOfProtectedModeAlone() {
        var state = GuestState.virtual8086
        state[VMCSField.guestCR0] = 0x30
        for i in 0..<6 as Range<UInt32> { state[VMCSField.guestESAccessRights + i * 2] = 0xF3 }
        expect("virtual-8086 mode in real mode", of: "RFLAGS", "27.3.1.4", state)
        state = .virtual8086
        state[VMCSField.entryControls] |= UInt64(EntryControl.ia32eModeGuest)
        state[VMCSField.guestCR4] |= 0x20
        state[VMCSField.guestEFER] = 0x500
        expect("virtual-8086 mode in IA-32e mode", of: "RFLAGS", "27.3.1.4", state)
    }

    @Test(arguments: [
        Change(.program32, VMCSField.guestPDPTE0, 1 << 39 | 1, "PDPTE", "reserved"),
        Change(.program32, VMCSField.guestPDPTE1, 0x2003, "PDPTE", "reserved"),
        Change(.program32, VMCSField.guestPDPTE2, 0x2005, "PDPTE", "reserved"),
        Change(.program32, VMCSField.guestPDPTE3, 0x2101, "PDPTE", "reserved"),
    ]) func pageDirectories(change: Change) { check(change, "27.3.1.6") }

    @Test func pageDirectoriesCountWithPAEPagingAlone() {
        for good in [GuestState.kernel64, .startUp, .virtual8086] {
            var state = good
            state[VMCSField.guestPDPTE0] = .max
            #expect(failedEntryCheck(state, Self.rules) == nil)
        }
        var state = GuestState.program32
        state[VMCSField.guestPDPTE0] = .max - 1
        #expect(failedEntryCheck(state, Self.rules) == nil, "not present")
    }

    /// Widths that no processor has must not stop the hypervisor while it tells of another failure.
    @Test(arguments: [-1, 0, 31, 64, 1000, Int.max, Int.min]) func oddWidthsAreHarmless(bits: Int) {
        var rules = Self.rules
        rules.linearBits = bits
        rules.physicalBits = bits
        var state = GuestState.startUp
        state[VMCSField.guestRFLAGS] = 0
        #expect(failedEntryCheck(state, rules)?.subject.description == "RFLAGS")
    }
}
