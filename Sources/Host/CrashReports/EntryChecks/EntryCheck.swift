import X86

/// Reads fields of a VMCS, as VMREAD does.
public protocol VMCSReader: ~Copyable {
    /// - Parameter field: one of `VMCSField`.
    func read(_ field: UInt32) -> UInt64
}

/// What the checks of the guest state depend on beside the VMCS: raw values of the processor's registers.
public struct EntryRules: Sendable {
    /// IA32_VMX_CR0_FIXED0 and 1, IA32_VMX_CR4_FIXED0 and 1: MSRs 486h to 489h.
    public var cr0Fixed0: UInt64
    public var cr0Fixed1: UInt64
    public var cr4Fixed0: UInt64
    public var cr4Fixed1: UInt64
    /// IA32_VMX_MISC, MSR 485h.
    public var misc: UInt64
    /// CPUID 80000008h EAX: bits 7:0 and 15:8. 32 to 63 are taken; others count as the nearest.
    public var physicalBits: Int
    public var linearBits: Int

    public init(
        cr0Fixed0: UInt64, cr0Fixed1: UInt64, cr4Fixed0: UInt64, cr4Fixed1: UInt64, misc: UInt64, physicalBits: Int,
        linearBits: Int
    ) {
        self.cr0Fixed0 = cr0Fixed0
        self.cr0Fixed1 = cr0Fixed1
        self.cr4Fixed0 = cr4Fixed0
        self.cr4Fixed1 = cr4Fixed1
        self.misc = misc
        self.physicalBits = physicalBits
        self.linearBits = linearBits
    }

    func isCanonical(_ address: UInt64) -> Bool {
        let unused = UInt64(64 - min(max(linearBits, 32), 63))
        return Int64(bitPattern: address << unused) >> Int64(unused) == Int64(bitPattern: address)
    }

    /// Whether no bit lies beyond the processor's physical addresses.
    func isPhysical(_ address: UInt64) -> Bool { address >> UInt64(min(max(physicalBits, 32), 63)) == 0 }
}

/// A check of the guest state that fails, so that a VM entry ends with basic exit reason 33.
public struct EntryFailure: Error, Sendable {
    /// The register or field in question, and the encoding to read it by.
    public let subject: StaticString
    public let field: UInt32
    public let problem: StaticString
    /// Of Intel SDM volume 3C as numbered in 2023; the chapter is 26 in editions before and 29 in the latest.
    public let section: StaticString
}

/// The first check of the guest state that fails, in the manual's order (Intel SDM volume 3C, section 27.3.1; 26.3.1 in
/// editions before 2023); nil when all that are known pass. Not checked is what no set of controls here asks for (CET, PKRS,
/// bounds, tracing, performance counters) and what lies in memory (PDPTEs are read from the VMCS, as with EPT).
public func failedEntryCheck<S: VMCSReader & ~Copyable>(_ vmcs: borrowing S, _ rules: EntryRules) -> EntryFailure? {
    do throws(EntryFailure) {
        let state = EntryState(vmcs)
        try checkControlRegisters(vmcs, state, rules)
        try checkRegistersOfModel(vmcs, state, rules)
        try checkSegments(vmcs, state, rules)
        try checkDescriptorTables(vmcs, rules)
        try checkInstructionPointer(vmcs, state, rules)
        try checkFlags(state)
        try checkActivity(state, rules)
        try checkInterruptibility(state)
        try checkPendingDebug(vmcs, state)
        try checkLinkPointer(vmcs, rules)
        try checkPageDirectories(vmcs, state, rules)
        return nil
    } catch {
        return error
    }
}

/// Fields on which many checks depend, read once.
struct EntryState {
    // Bits of RFLAGS and CR4.
    static let interruptFlag: UInt64 = 1 << 9
    static let virtual8086Flag: UInt64 = 1 << 17
    static let processContextIDs: UInt64 = 1 << 17
    static let controlFlowEnforcement: UInt64 = 1 << 23

    let cr0: UInt64
    let cr4: UInt64
    let flags: UInt64
    let entryControls: UInt32
    let isUnrestricted: Bool
    let hasVirtualNMIs: Bool
    let interruptibility: UInt64
    let activity: UInt64
    let event: InterruptionInfo
    let codeRights: SegmentAccessRights
    let stackRights: SegmentAccessRights

    init<S: VMCSReader & ~Copyable>(_ vmcs: borrowing S) {
        cr0 = vmcs.read(VMCSField.guestCR0)
        cr4 = vmcs.read(VMCSField.guestCR4)
        flags = vmcs.read(VMCSField.guestRFLAGS)
        entryControls = UInt32(truncatingIfNeeded: vmcs.read(VMCSField.entryControls))
        let primary = UInt32(truncatingIfNeeded: vmcs.read(VMCSField.processorControls))
        let secondary = UInt32(truncatingIfNeeded: vmcs.read(VMCSField.secondaryControls))
        isUnrestricted =
            primary & ProcessorControl.secondaryControls != 0 && secondary & SecondaryControl.unrestrictedGuest != 0
        hasVirtualNMIs = UInt32(truncatingIfNeeded: vmcs.read(VMCSField.pinControls)) & PinControl.virtualNMIs != 0
        interruptibility = vmcs.read(VMCSField.guestInterruptibility)
        activity = vmcs.read(VMCSField.guestActivity)
        event = InterruptionInfo(
            rawValue: UInt32(truncatingIfNeeded: vmcs.read(VMCSField.entryInterruptionInfo)))
        codeRights = SegmentAccessRights(
            rawValue: UInt32(truncatingIfNeeded: vmcs.read(VMCSField.guestCSAccessRights)))
        stackRights = SegmentAccessRights(
            rawValue: UInt32(truncatingIfNeeded: vmcs.read(VMCSField.guestSSAccessRights)))
    }

    var isLongMode: Bool { entryControls & EntryControl.ia32eModeGuest != 0 }
    /// Virtual-8086 mode, RFLAGS.VM.
    var isVirtual8086: Bool { flags & Self.virtual8086Flag != 0 }
    var loadsDebug: Bool { entryControls & EntryControl.loadDebugControls != 0 }
    var hasPaging: Bool { cr0 & CR0.paging != 0 }
    func injects(_ kind: InterruptionInfo.Kind) -> Bool { event.isValid && event.kind == kind }
}
