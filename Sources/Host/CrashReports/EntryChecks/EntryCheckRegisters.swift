import X86

// Checks on guest control registers, debug registers and MSRs (section 27.3.1.1).

private func check(
    _ holds: Bool, _ subject: StaticString, _ field: UInt32, _ problem: StaticString
) throws(EntryFailure) {
    if !holds { throw EntryFailure(subject: subject, field: field, problem: problem, section: "27.3.1.1") }
}

func checkControlRegisters<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ state: EntryState, _ rules: EntryRules
) throws(EntryFailure) {
    let cr0 = state.cr0, cr4 = state.cr4
    // A VM entry leaves CD and NW alone; an unrestricted guest may be without protection and paging.
    let unchecked =
        CR0.notWriteThrough | CR0.cacheDisable | (state.isUnrestricted ? CR0.protectionEnable | CR0.paging : 0)
    try check(
        rules.cr0Fixed0 & ~cr0 & ~unchecked == 0, "CR0", VMCSField.guestCR0, "a bit is 0 that VMX fixes to 1")
    try check(
        cr0 & ~rules.cr0Fixed1 & ~unchecked == 0, "CR0", VMCSField.guestCR0, "a bit is 1 that VMX fixes to 0")
    try check(
        !state.hasPaging || cr0 & CR0.protectionEnable != 0, "CR0", VMCSField.guestCR0, "paging without protection")
    try check(rules.cr4Fixed0 & ~cr4 == 0, "CR4", VMCSField.guestCR4, "a bit is 0 that VMX fixes to 1")
    try check(cr4 & ~rules.cr4Fixed1 == 0, "CR4", VMCSField.guestCR4, "a bit is 1 that VMX fixes to 0")
    try check(
        cr4 & EntryState.controlFlowEnforcement == 0 || cr0 & CR0.writeProtect != 0, "CR4", VMCSField.guestCR4,
        "CET without CR0.WP")
    if state.loadsDebug {
        // LBR, BTF, bus lock; TR to FREEZE_PERFMON, uncore, FREEZE_WHILE_SMM, RTM.
        try check(
            vmcs.read(VMCSField.guestDebugControl) & ~0xFFC7 == 0, "IA32_DEBUGCTL", VMCSField.guestDebugControl,
            "a reserved bit is 1")
    }
    if state.isLongMode {
        try check(state.hasPaging, "CR0", VMCSField.guestCR0, "IA-32e mode without paging")
        try check(
            cr4 & CR4.physicalAddressExtension != 0, "CR4", VMCSField.guestCR4, "IA-32e mode without PAE")
    } else {
        try check(
            cr4 & EntryState.processContextIDs == 0, "CR4", VMCSField.guestCR4, "PCIDE outside of IA-32e mode")
    }
    try check(
        rules.isPhysical(vmcs.read(VMCSField.guestCR3)), "CR3", VMCSField.guestCR3,
        "a bit beyond the physical addresses is 1")
}

func checkRegistersOfModel<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ state: EntryState, _ rules: EntryRules
) throws(EntryFailure) {
    if state.loadsDebug {
        try check(vmcs.read(VMCSField.guestDR7) >> 32 == 0, "DR7", VMCSField.guestDR7, "bits 63:32 are not 0")
    }
    try check(
        rules.isCanonical(vmcs.read(VMCSField.guestSysenterESP)), "IA32_SYSENTER_ESP", VMCSField.guestSysenterESP,
        "not a canonical address")
    try check(
        rules.isCanonical(vmcs.read(VMCSField.guestSysenterEIP)), "IA32_SYSENTER_EIP", VMCSField.guestSysenterEIP,
        "not a canonical address")
    if state.entryControls & EntryControl.loadPAT != 0 {
        let pat = vmcs.read(VMCSField.guestPAT)
        for i in 0..<8 as Range<UInt64> {
            let type = UInt8(truncatingIfNeeded: pat >> (i * 8))
            // "UC-", 7, is PAT's alone.
            try check(
                type == 7 || MemoryType(rawValue: type) != nil, "IA32_PAT", VMCSField.guestPAT,
                "a byte is no memory type")
        }
    }
    guard state.entryControls & EntryControl.loadEFER != 0 else { return }
    let efer = vmcs.read(VMCSField.guestEFER)
    let known = EFER.systemCall | EFER.longModeEnable | EFER.longModeActive | EFER.noExecute
    try check(efer & ~known == 0, "IA32_EFER", VMCSField.guestEFER, "a reserved bit is 1")
    try check(
        (efer & EFER.longModeActive != 0) == state.isLongMode, "IA32_EFER", VMCSField.guestEFER,
        "LMA is not what the control \"IA-32e mode guest\" is")
    try check(
        !state.hasPaging || (efer & EFER.longModeActive != 0) == (efer & EFER.longModeEnable != 0), "IA32_EFER",
        VMCSField.guestEFER, "LMA and LME differ while paging is on")
}
