import X86

// Checks on guest RIP and RFLAGS (section 27.3.1.4), non-register state (27.3.1.5) and PDPTEs (27.3.1.6).

private func check(
    _ holds: Bool, _ subject: StaticString, _ field: UInt32, _ problem: StaticString, _ section: StaticString
) throws(EntryFailure) {
    if !holds { throw EntryFailure(subject: subject, field: field, problem: problem, section: section) }
}

func checkInstructionPointer<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ state: EntryState, _ rules: EntryRules
) throws(EntryFailure) {
    let pointer = vmcs.read(VMCSField.guestRIP)
    let is64Bit = state.isLongMode && state.codeRights.isLong
    try check(
        is64Bit || pointer >> 32 == 0, "RIP", VMCSField.guestRIP, "bits 63:32 are not 0 outside of 64-bit code",
        "27.3.1.4")
    try check(rules.isCanonical(pointer) || !is64Bit, "RIP", VMCSField.guestRIP, "not a canonical address", "27.3.1.4")
}

func checkFlags(_ state: EntryState) throws(EntryFailure) {
    let flags = state.flags, field = VMCSField.guestRFLAGS, section: StaticString = "27.3.1.4"
    try check(flags & 0xFFFF_FFFF_FFC0_8028 == 0, "RFLAGS", field, "a reserved bit is 1", section)
    try check(flags & 1 << 1 != 0, "RFLAGS", field, "bit 1 is 0", section)
    try check(
        !state.isVirtual8086 || !state.isLongMode, "RFLAGS", field, "virtual-8086 mode in IA-32e mode", section)
    try check(
        !state.isVirtual8086 || state.cr0 & CR0.protectionEnable != 0, "RFLAGS", field,
        "virtual-8086 mode in real mode", section)
    try check(
        flags & EntryState.interruptFlag != 0 || !state.injects(.externalInterrupt), "RFLAGS", field,
        "IF is 0 and an external interrupt is injected", section)
}

func checkActivity(_ state: EntryState, _ rules: EntryRules) throws(EntryFailure) {
    let field = VMCSField.guestActivity, section: StaticString = "27.3.1.5"
    let activity = state.activity, event = state.event
    // IA32_VMX_MISC: bit 6 HLT, 7 shutdown, 8 wait-for-SIPI.
    let offered = activity == 0 || activity <= 3 && rules.misc >> (activity + 5) & 1 == 1
    try check(offered, "activity state", field, "not one that the processor has", section)
    try check(
        activity != Activity.halted || state.stackRights.privilege == 0, "activity state", field,
        "halted with a DPL of SS other than 0", section)
    try check(
        activity == 0 || state.interruptibility & Interruptibility.blockedOnce == 0, "activity state", field,
        "not active while STI or MOV SS blocks interrupts", section)
    guard event.isValid else { return }
    let isMachineCheck = event.kind == .hardwareException && event.vector == 18
    let wakes: Bool
    switch activity {
    case Activity.active: wakes = true
    case Activity.halted:
        wakes =
            event.kind == .externalInterrupt || event.kind == .nmi || isMachineCheck
            || event.kind == .hardwareException && event.vector == Vector.debug
            || event.kind == .other && event.vector == 0
    case Activity.shutdown: wakes = event.kind == .nmi || isMachineCheck
    default: wakes = false
    }
    try check(wakes, "activity state", field, "an event is injected that this state does not take", section)
}

func checkInterruptibility(_ state: EntryState) throws(EntryFailure) {
    let field = VMCSField.guestInterruptibility, section: StaticString = "27.3.1.5"
    let value = state.interruptibility, subject: StaticString = "interruptibility state"
    try check(value & ~0x1F == 0, subject, field, "a reserved bit is 1", section)
    try check(
        value & Interruptibility.blockedOnce != Interruptibility.blockedOnce, subject, field,
        "both STI and MOV SS block interrupts", section)
    try check(
        value & Interruptibility.bySTI == 0 || state.flags & EntryState.interruptFlag != 0, subject, field,
        "STI blocks interrupts and RFLAGS.IF is 0", section)
    try check(
        value & Interruptibility.blockedOnce == 0 || !state.injects(.externalInterrupt), subject, field,
        "an external interrupt is injected while STI or MOV SS blocks it", section)
    // Old editions leave it to the processor whether blocking by STI counts here.
    try check(
        value & Interruptibility.blockedOnce == 0 || !state.injects(.nmi), subject, field,
        "an NMI is injected while STI or MOV SS blocks it", section)
    // This hypervisor never runs in SMM.
    try check(value & Interruptibility.bySMI == 0, subject, field, "SMIs are blocked outside of SMM", section)
    try check(
        value & Interruptibility.byNMI == 0 || !state.hasVirtualNMIs || !state.injects(.nmi), subject, field,
        "a virtual NMI is injected while NMIs are blocked", section)
    try check(
        value & Interruptibility.enclave == 0 || value & Interruptibility.byMoveSS == 0, subject, field,
        "an enclave was interrupted while MOV SS blocks interrupts", section)
}

func checkPendingDebug<S: VMCSReader & ~Copyable>(_ vmcs: borrowing S, _ state: EntryState) throws(EntryFailure) {
    let field = VMCSField.guestPendingDebug, section: StaticString = "27.3.1.5"
    let pending = vmcs.read(field), subject: StaticString = "pending debug exceptions"
    // Bits 3:0 breakpoints, 11 bus lock, 12 enabled breakpoint, 14 single step, 16 RTM.
    try check(pending & ~0x1_580F == 0, subject, field, "a reserved bit is 1", section)
    guard state.interruptibility & Interruptibility.blockedOnce != 0 || state.activity == Activity.halted else {
        return
    }
    let stepsOverInstructions =
        state.flags & RFLAGS.trap != 0 && vmcs.read(VMCSField.guestDebugControl) & 1 << 1 == 0
    try check(
        (pending >> 14 & 1 == 1) == stepsOverInstructions, subject, field,
        "BS is not what RFLAGS.TF and IA32_DEBUGCTL.BTF make it", section)
}

func checkLinkPointer<S: VMCSReader & ~Copyable>(_ vmcs: borrowing S, _ rules: EntryRules) throws(EntryFailure) {
    let pointer = vmcs.read(VMCSField.vmcsLinkPointer)
    try check(
        pointer == .max || pointer & 0xFFF == 0 && rules.isPhysical(pointer), "VMCS link pointer",
        VMCSField.vmcsLinkPointer, "neither all ones nor the address of a page", "27.3.1.5")
}

extension VMCSField {
    /// The first of four (Intel SDM volume 3, appendix B, table B-6).
    static let guestPDPTE0: UInt32 = 0x280A
}

/// With EPT a guest with PAE paging has its four PDPTEs in the VMCS.
func checkPageDirectories<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ state: EntryState, _ rules: EntryRules
) throws(EntryFailure) {
    guard state.hasPaging, state.cr4 & CR4.physicalAddressExtension != 0, !state.isLongMode else { return }
    for i in 0..<4 as Range<UInt32> {
        let field = VMCSField.guestPDPTE0 + i * 2
        let entry = vmcs.read(field)
        try check(
            entry & 1 == 0 || entry & 0x1E6 == 0 && rules.isPhysical(entry), "PDPTE", field, "a reserved bit is 1",
            "27.3.1.6")
    }
}
