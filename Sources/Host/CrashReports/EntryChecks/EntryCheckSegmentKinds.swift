import X86

// What section 27.3.1.2 asks of each kind of segment.

/// ES, CS, SS, DS, FS and GS in virtual-8086 mode.
func checkVirtual8086(_ segment: EntrySegment) throws(EntryFailure) {
    try segment.checkBase(
        segment.base == segment.selector << 4, "in virtual-8086 mode the base is not the selector * 16")
    try segment.checkLimit(segment.limit == 0xFFFF, "in virtual-8086 mode the limit is not FFFFh")
    try segment.checkRights(segment.rights.rawValue == 0xF3, "in virtual-8086 mode the access rights are not F3h")
}

func checkCode(
    _ code: EntrySegment, _ stack: EntrySegment, _ state: EntryState
) throws(EntryFailure) {
    let rights = code.rights
    try code.checkBase(code.base >> 32 == 0, "bits 63:32 of the base are not 0")
    try code.checkRights(!rights.isUnusable, "unusable")
    try code.checkRights(
        rights.type & 9 == 9 || state.isUnrestricted && rights.type == 3, "the type is not accessed code")
    try code.checkRights(rights.isCodeOrData, "a system segment (S is 0)")
    switch rights.type {
    case 3: try code.checkRights(rights.privilege == 0, "a data segment as CS has a DPL other than 0")
    case 9, 11:
        try code.checkRights(
            rights.privilege == stack.rights.privilege, "nonconforming code has another DPL than SS")
    default:
        try code.checkRights(rights.privilege <= stack.rights.privilege, "conforming code has a higher DPL than SS")
    }
    try code.checkForm()
    try code.checkRights(
        !(state.isLongMode && rights.isLong && rights.isDefault32), "64-bit code (L is 1) with D of 1")
}

func checkStack(
    _ code: EntrySegment, _ stack: EntrySegment, _ state: EntryState
) throws(EntryFailure) {
    let rights = stack.rights
    if !state.isUnrestricted {
        try stack.checkSelector(
            stack.requestedPrivilege == code.requestedPrivilege, "the selector has another RPL than that of CS")
        try stack.checkRights(
            rights.privilege == stack.requestedPrivilege, "the DPL is not the RPL of the selector")
    }
    // These hold of an unusable SS too.
    try stack.checkRights(
        rights.privilege == 0 || code.rights.type != 3, "the DPL is not 0 and CS is a data segment")
    try stack.checkRights(
        rights.privilege == 0 || state.cr0 & CR0.protectionEnable != 0, "the DPL is not 0 in real mode")
    if rights.isUnusable { return }
    try stack.checkBase(stack.base >> 32 == 0, "bits 63:32 of the base are not 0")
    try stack.checkRights(rights.type == 3 || rights.type == 7, "the type is not accessed writable data")
    try stack.checkRights(rights.isCodeOrData, "a system segment (S is 0)")
    try stack.checkForm()
}

/// DS, ES, FS and GS.
func checkData(_ segment: EntrySegment, _ state: EntryState) throws(EntryFailure) {
    let rights = segment.rights
    if rights.isUnusable { return }
    if segment.name == .ds || segment.name == .es {
        try segment.checkBase(segment.base >> 32 == 0, "bits 63:32 of the base are not 0")
    }
    try segment.checkRights(rights.type & 1 == 1, "the type is not accessed")
    try segment.checkRights(rights.type & 0b1010 != 0b1000, "the type is code that cannot be read")
    try segment.checkRights(rights.isCodeOrData, "a system segment (S is 0)")
    if !state.isUnrestricted && rights.type < 12 {
        try segment.checkRights(
            rights.privilege >= segment.requestedPrivilege, "the DPL is below the RPL of the selector")
    }
    try segment.checkForm()
}

/// TR, and LDTR when it is usable. `types` has a bit for each type that is good.
func checkSystem(
    _ segment: EntrySegment, _ types: UInt16, _ problem: StaticString, _ rules: EntryRules
) throws(EntryFailure) {
    let rights = segment.rights
    try segment.checkBase(rules.isCanonical(segment.base), "the base is not a canonical address")
    try segment.checkRights(!rights.isUnusable, "unusable")
    try segment.checkRights(types >> UInt16(rights.type) & 1 == 1, problem)
    try segment.checkRights(!rights.isCodeOrData, "not a system segment (S is 1)")
    try segment.checkForm()
}
