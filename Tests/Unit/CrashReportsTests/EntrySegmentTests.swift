@testable import CrashReports
import Testing
import X86

/// The checks of section 27.3.1.2, one wrong thing at a time.
@Suite struct EntrySegmentTests {
    typealias Change = EntryCheckTests.Change

    private func failure(_ state: GuestState) -> EntryFailure? { failedEntryCheck(state, EntryCheckTests.rules) }

    private func check(_ change: Change, restricted: Bool = false) {
        var state = change.from
        if restricted { state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept) }
        #expect(failure(state) == nil)
        state[change.field] = change.value
        let found = failure(state)
        #expect(found?.subject.description == change.subject)
        #expect(found?.problem.description.contains(change.words) == true, "\(found?.problem.description ?? "passes")")
        #expect(found?.section.description == "27.3.1.2")
        // A limit and G disagree: it is G that is named.
        let isLimit = VMCSField.guestESLimit...VMCSField.guestTRLimit ~= change.field
        let toRights = isLimit ? VMCSField.guestESAccessRights - VMCSField.guestESLimit : 0
        #expect(found?.field == change.field + toRights)
    }

    @Test(arguments: [
        Change(.program32, VMCSField.guestTRSelector, 0x44, "TR", "local one"),
        Change(.program32, VMCSField.guestLDTRSelector, 0x24, "LDTR", "local one"),
        Change(.kernel64, VMCSField.guestTRBase, 1 << 47, "TR", "canonical"),
        Change(.program32, VMCSField.guestLDTRBase, 1 << 47, "LDTR", "canonical"),
        Change(.kernel64, VMCSField.guestFSBase, 1 << 48, "FS", "canonical"),
        Change(.kernel64, VMCSField.guestGSBase, 1 << 50, "GS", "canonical"),
        Change(.kernel64, VMCSField.guestCSBase, 1 << 32, "CS", "63:32"),
        Change(.program32, VMCSField.guestSSBase, 1 << 32, "SS", "63:32"),
        Change(.program32, VMCSField.guestDSBase, 1 << 63, "DS", "63:32"),
        Change(.program32, VMCSField.guestESBase, 1 << 40, "ES", "63:32"),
    ]) func selectorsAndBases(change: Change) { check(change) }

    @Test(arguments: [
        Change(.virtual8086, VMCSField.guestCSBase, 0x1_2350, "CS", "not the selector * 16"),
        Change(.virtual8086, VMCSField.guestGSSelector, 0, "GS", "not the selector * 16"),
        Change(.virtual8086, VMCSField.guestSSLimit, 0x1_0000, "SS", "not FFFFh"),
        Change(.virtual8086, VMCSField.guestESAccessRights, 0x93, "ES", "not F3h"),
        Change(.virtual8086, VMCSField.guestDSAccessRights, 0x1_00F3, "DS", "not F3h"),
        Change(.virtual8086, VMCSField.guestFSLimit, 0xFFFE, "FS", "not FFFFh"),
    ]) func virtual8086(change: Change) {
        var state = change.from
        state[change.field] = change.value
        let found = failure(state)
        #expect(found?.subject.description == change.subject)
        #expect(found?.problem.description.contains(change.words) == true)
    }

    @Test(arguments: [
        Change(.kernel64, VMCSField.guestCSAccessRights, 0x1_A09B, "CS", "unusable"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA09A, "CS", "not accessed code"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA097, "CS", "not accessed code"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA08B, "CS", "system segment"),
        Change(.startUp, VMCSField.guestCSAccessRights, 0xB3, "CS", "DPL other than 0"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA0BB, "CS", "another DPL than SS"),
        Change(.program32, VMCSField.guestCSAccessRights, 0xC09B, "CS", "another DPL than SS"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA0BF, "CS", "higher DPL than SS"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA01B, "CS", "not present"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xA19B, "CS", "reserved"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0x2_A09B, "CS", "reserved"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0xE09B, "CS", "64-bit code (L is 1) with D"),
        Change(.kernel64, VMCSField.guestCSAccessRights, 0x209B, "CS", "31:20"),
        Change(.kernel64, VMCSField.guestCSLimit, 0xFFFF_FFFE, "CS", "11:0"),
    ]) func code(change: Change) { check(change) }

    @Test(arguments: [
        Change(.program32, VMCSField.guestSSAccessRights, 0xC0F1, "SS", "not accessed writable"),
        Change(.program32, VMCSField.guestSSAccessRights, 0xC0FB, "SS", "not accessed writable"),
        Change(.program32, VMCSField.guestSSAccessRights, 0xC0E3, "SS", "system segment"),
        Change(.program32, VMCSField.guestSSAccessRights, 0xC073, "SS", "not present"),
        Change(.program32, VMCSField.guestSSAccessRights, 0xC4F3, "SS", "reserved"),
        Change(.program32, VMCSField.guestSSAccessRights, 0x40F3, "SS", "31:20"),
        Change(.program32, VMCSField.guestSSLimit, 0xFFFF_F000, "SS", "11:0"),
    ]) func stack(change: Change) { check(change) }

    @Test(arguments: [
        Change(.program32, VMCSField.guestDSAccessRights, 0xC0F2, "DS", "not accessed"),
        Change(.program32, VMCSField.guestESAccessRights, 0xC0F9, "ES", "cannot be read"),
        Change(.program32, VMCSField.guestFSAccessRights, 0xC0E3, "FS", "system segment"),
        Change(.program32, VMCSField.guestGSAccessRights, 0xC073, "GS", "not present"),
        Change(.program32, VMCSField.guestDSAccessRights, 0x80_C0F3, "DS", "reserved"),
        Change(.program32, VMCSField.guestFSAccessRights, 0x40F3, "FS", "31:20"),
        Change(.program32, VMCSField.guestESLimit, 0x7FFF_FFFF &- 1, "ES", "11:0"),
    ]) func data(change: Change) { check(change) }

    @Test(arguments: [
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x83, "TR", "not a busy TSS"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x89, "TR", "not a busy TSS"),
        Change(.program32, VMCSField.guestTRAccessRights, 0x81, "TR", "not a busy TSS"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x1_008B, "TR", "unusable"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x9B, "TR", "S is 1"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x0B, "TR", "not present"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x88B, "TR", "reserved"),
        Change(.kernel64, VMCSField.guestTRAccessRights, 0x808B, "TR", "11:0"),
        Change(.kernel64, VMCSField.guestTRLimit, 0x10_0000, "TR", "31:20"),
        Change(.program32, VMCSField.guestLDTRAccessRights, 0x83, "LDTR", "not a local descriptor table"),
        Change(.program32, VMCSField.guestLDTRAccessRights, 0x92, "LDTR", "S is 1"),
        Change(.program32, VMCSField.guestLDTRAccessRights, 0x02, "LDTR", "not present"),
        Change(.program32, VMCSField.guestLDTRAccessRights, 0x8_0082, "LDTR", "reserved"),
        Change(.program32, VMCSField.guestLDTRLimit, 0xFFF0_0FFF, "LDTR", "31:20"),
    ]) func system(change: Change) { check(change) }

    /// What is asked of privileges only without unrestricted guest.
    @Test(arguments: [
        Change(.program32, VMCSField.guestSSSelector, 0x78, "SS", "another RPL"),
        Change(.program32, VMCSField.guestDSAccessRights, 0xC0D3, "DS", "below the RPL"),
        Change(.program32, VMCSField.guestGSAccessRights, 0xC0BB, "GS", "below the RPL"),
    ]) func privilegesOfRestrictedGuests(change: Change) {
        check(change, restricted: true)
        var state = change.from
        state[change.field] = change.value
        #expect(failure(state) == nil, "an unrestricted guest may")
    }

    @Test func theStacksPrivilege() {
        var state = GuestState.program32
        state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept)
        state[VMCSField.guestCSAccessRights] = 0xC0DF
        state[VMCSField.guestSSAccessRights] = 0xC0D3
        #expect(failure(state)?.problem.description == "the DPL is not the RPL of the selector")
        // Real mode, and a data segment as CS, want privilege 0; an unusable SS has a privilege too.
        for rights in [0xB3, 0x1_00B3] as [UInt64] {
            state = .startUp
            state[VMCSField.guestCSAccessRights] = 0xBB
            state[VMCSField.guestSSAccessRights] = rights
            #expect(failure(state)?.problem.description == "the DPL is not 0 in real mode")
            state[VMCSField.guestCSAccessRights] = 0x93
            #expect(failure(state)?.problem.description == "the DPL is not 0 and CS is a data segment")
        }
    }

    @Test func aDataSegmentAsCodeIsForUnrestrictedGuests() {
        var state = GuestState.startUp
        state[VMCSField.guestCSAccessRights] = 0x93
        #expect(failure(state) == nil)
        state = .kernel64
        state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept)
        state[VMCSField.guestCSAccessRights] = 0xC093
        #expect(failure(state)?.problem.description == "the type is not accessed code")
    }

    /// An unusable segment may hold anything but what the manual asks of it nevertheless.
    @Test func unusableSegmentsAreNotLookedAt() {
        var state = GuestState.kernel64
        for i in [0, 3, 4, 5, 6] as [UInt32] {
            state[VMCSField.guestESAccessRights + i * 2] = 0x1_0F0C
            state[VMCSField.guestESLimit + i * 2] = 0x1234_5678
            state[VMCSField.guestESSelector + i * 2] = 0xFFFF
        }
        state[VMCSField.guestLDTRBase] = 1 << 60
        state[VMCSField.guestDSBase] = 1 << 60
        #expect(failure(state) == nil)
    }
}
