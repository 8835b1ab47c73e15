import X86

// Checks on guest segment registers (section 27.3.1.2) and descriptor-table registers (section 27.3.1.3).

/// One segment register, by its place in each group of VMCS fields.
struct EntrySegment {
    enum Name: UInt32 { case es = 0, cs, ss, ds, fs, gs, ldtr, tr }

    let name: Name
    let selector: UInt64
    let base: UInt64
    let limit: UInt64
    let rights: SegmentAccessRights

    init<S: VMCSReader & ~Copyable>(_ vmcs: borrowing S, _ name: Name) {
        self.name = name
        let offset = name.rawValue * 2
        selector = vmcs.read(VMCSField.guestESSelector + offset)
        base = vmcs.read(VMCSField.guestESBase + offset)
        limit = vmcs.read(VMCSField.guestESLimit + offset)
        rights = SegmentAccessRights(
            rawValue: UInt32(truncatingIfNeeded: vmcs.read(VMCSField.guestESAccessRights + offset)))
    }

    var requestedPrivilege: UInt8 { UInt8(truncatingIfNeeded: selector & 3) }
    var isLocal: Bool { selector & 4 != 0 }
    var title: StaticString {
        switch name {
        case .es: "ES"
        case .cs: "CS"
        case .ss: "SS"
        case .ds: "DS"
        case .fs: "FS"
        case .gs: "GS"
        case .ldtr: "LDTR"
        case .tr: "TR"
        }
    }

    private func check(_ holds: Bool, _ first: UInt32, _ problem: StaticString) throws(EntryFailure) {
        if holds { return }
        throw EntryFailure(subject: title, field: first + name.rawValue * 2, problem: problem, section: "27.3.1.2")
    }
    func checkSelector(_ holds: Bool, _ problem: StaticString) throws(EntryFailure) {
        try check(holds, VMCSField.guestESSelector, problem)
    }
    func checkBase(_ holds: Bool, _ problem: StaticString) throws(EntryFailure) {
        try check(holds, VMCSField.guestESBase, problem)
    }
    func checkLimit(_ holds: Bool, _ problem: StaticString) throws(EntryFailure) {
        try check(holds, VMCSField.guestESLimit, problem)
    }
    func checkRights(_ holds: Bool, _ problem: StaticString) throws(EntryFailure) {
        try check(holds, VMCSField.guestESAccessRights, problem)
    }

    /// What every usable segment has to fulfil.
    func checkForm() throws(EntryFailure) {
        try checkRights(rights.isPresent, "not present")
        try checkRights(!rights.hasReservedBits, "a reserved bit of the access rights is 1")
        try checkRights(
            !rights.hasPageUnits || limit & 0xFFF == 0xFFF, "G is 1 and bits 11:0 of the limit are not all 1")
        try checkRights(rights.hasPageUnits || limit >> 20 == 0, "G is 0 and bits 31:20 of the limit are not all 0")
    }
}

func checkSegments<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ state: EntryState, _ rules: EntryRules
) throws(EntryFailure) {
    let task = EntrySegment(vmcs, .tr), local = EntrySegment(vmcs, .ldtr)
    let code = EntrySegment(vmcs, .cs), stack = EntrySegment(vmcs, .ss)
    let data =
        [EntrySegment(vmcs, .ds), EntrySegment(vmcs, .es), EntrySegment(vmcs, .fs), EntrySegment(vmcs, .gs)]
        as [4 of EntrySegment]
    try task.checkSelector(!task.isLocal, "the selector's table is the local one")
    try local.checkSelector(local.rights.isUnusable || !local.isLocal, "the selector's table is the local one")
    if state.isVirtual8086 {
        try checkVirtual8086(code)
        try checkVirtual8086(stack)
        for i in data.indices { try checkVirtual8086(data[i]) }
    }
    for i in data.indices where data[i].name == .fs || data[i].name == .gs {
        try data[i].checkBase(rules.isCanonical(data[i].base), "the base is not a canonical address")
    }
    if !state.isVirtual8086 {
        try checkCode(code, stack, state)
        try checkStack(code, stack, state)
        for i in data.indices { try checkData(data[i], state) }
    }
    try checkSystem(task, state.isLongMode ? 0b1000_0000_0000 : 0b1000_0000_1000, "not a busy TSS", rules)
    if !local.rights.isUnusable { try checkSystem(local, 1 << 2, "not a local descriptor table", rules) }
}

func checkDescriptorTables<S: VMCSReader & ~Copyable>(
    _ vmcs: borrowing S, _ rules: EntryRules
) throws(EntryFailure) {
    try checkTable(
        "GDTR", vmcs.read(VMCSField.guestGDTRBase), vmcs.read(VMCSField.guestGDTRLimit), VMCSField.guestGDTRBase,
        VMCSField.guestGDTRLimit, rules)
    try checkTable(
        "IDTR", vmcs.read(VMCSField.guestIDTRBase), vmcs.read(VMCSField.guestIDTRLimit), VMCSField.guestIDTRBase,
        VMCSField.guestIDTRLimit, rules)
}

private func checkTable(
    _ subject: StaticString, _ base: UInt64, _ limit: UInt64, _ baseField: UInt32, _ limitField: UInt32,
    _ rules: EntryRules
) throws(EntryFailure) {
    guard rules.isCanonical(base) else {
        throw EntryFailure(
            subject: subject, field: baseField, problem: "the base is not a canonical address", section: "27.3.1.3")
    }
    guard limit >> 16 == 0 else {
        throw EntryFailure(
            subject: subject, field: limitField, problem: "bits 31:16 of the limit are not 0", section: "27.3.1.3")
    }
}
