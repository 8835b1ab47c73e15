/// What folding a set of controls with a processor's capability gives.
public enum ControlResult: Equatable, Sendable {
    /// The value to write into the VMCS.
    case value(UInt32)
    /// The lowest required control (as a mask of one bit) that the processor does not have.
    case notOffered(UInt32)
    /// The lowest control (as a mask of one bit) that the processor wants to be 1 and that the set does not let be.
    case alwaysOn(UInt32)
}

/// What the hypervisor asks of one field of VMX controls. A control that no set names is 0; a processor that insists on it is
/// refused.
public struct ControlSet: Sendable {
    /// The register that says what a processor offers of them (Intel SDM volume 3D, appendix A.3 to A.5).
    public let capability: UInt32
    /// How a refusal names a control: that register, and the number of a bit.
    public let bitName: StaticString
    /// Always 1; without them the processor is refused.
    public let required: UInt32
    /// 1 where the processor has them.
    public internal(set) var wanted: UInt32 = 0
    /// Reserved bits that may have to be 1 ("default1", appendix A.2, without those that the true registers let be 0).
    public internal(set) var reserved: UInt32 = 0
    /// 0 in the folded value, and offered: set and cleared while the guest runs.
    public internal(set) var switched: UInt32 = 0
    /// Required where any of `substituted` is not offered.
    public internal(set) var substitute: UInt32 = 0
    public internal(set) var substituted: UInt32 = 0
    /// What a processor may not insist on. Of these, `substitute` alone is ever 1 in the folded value.
    public var forbidden: UInt32 { ~(required | wanted | reserved) }

    /// The value for a processor whose capability register for this field reads `capability`: a bit that is 1 in its low
    /// half must be 1, a bit that is 0 in its high half must be 0 (Intel SDM volume 3D, appendix A.3 to A.5).
    public func fold(capability: UInt64) -> ControlResult {
        let mustBeOne = UInt32(truncatingIfNeeded: capability)
        let mayBeOne = UInt32(truncatingIfNeeded: capability >> 32)
        let needed = required | (substituted & ~mayBeOne == 0 ? 0 : substitute)
        let absent = (needed | switched) & ~mayBeOne
        guard absent == 0 else { return .notOffered(absent & (0 &- absent)) }
        let stuck = forbidden & mustBeOne
        guard stuck == 0 else { return .alwaysOn(stuck & (0 &- stuck)) }
        return .value(mustBeOne | needed | wanted & mayBeOne)
    }
}

extension ControlSet {
    /// The kick is an NMI, which must not be lost while the guest handles one of its own. Where the processor cannot tell the
    /// two apart, the preemption timer does the kick's work. External interrupts go straight to the guest (law 3).
    public static let pin = ControlSet(
        capability: 0x48D, bitName: "IA32_VMX_TRUE_PINBASED_CTLS bit %d",
        required: PinControl.nmiExiting, wanted: PinControl.virtualNMIs, reserved: 0x16,
        switched: PinControl.preemptionTimer, substitute: PinControl.preemptionTimer,
        substituted: PinControl.virtualNMIs)

    /// Exiting for CR3 or INVLPG, which processors without the "true" capability registers insist on, would cost an exit for
    /// each switch of a guest's processes.
    public static let processor = ControlSet(
        capability: 0x48E, bitName: "IA32_VMX_TRUE_PROCBASED_CTLS bit %d",
        required: ProcessorControl.tscOffsetting | ProcessorControl.mwaitExiting | ProcessorControl.rdpmcExiting
            | ProcessorControl.ioBitmaps | ProcessorControl.msrBitmaps | ProcessorControl.monitorExiting
            | ProcessorControl.secondaryControls,
        reserved: 0x0400_6172)

    /// Without "enable RDTSCP" and its like the instruction is undefined in the guest. "Enable user wait and pause" stays
    /// off, since CPUID hides WAITPKG.
    public static let secondary = ControlSet(
        capability: 0x48B, bitName: "IA32_VMX_PROCBASED_CTLS2 bit %d",
        required: SecondaryControl.ept | SecondaryControl.vpid | SecondaryControl.unrestrictedGuest
            | SecondaryControl.wbinvdExiting,
        wanted: SecondaryControl.rdtscp | SecondaryControl.invpcid)

    public static let exit = ControlSet(
        capability: 0x48F, bitName: "IA32_VMX_TRUE_EXIT_CTLS bit %d",
        required: ExitControl.hostAddressSpaceSize | ExitControl.saveEFER | ExitControl.loadEFER
            | ExitControl.savePAT | ExitControl.loadPAT,
        wanted: ExitControl.saveDebugControls, reserved: 0x0003_6DFB)

    /// Whether the guest is in IA-32e mode changes while it runs.
    public static let entry = ControlSet(
        capability: 0x490, bitName: "IA32_VMX_TRUE_ENTRY_CTLS bit %d",
        required: EntryControl.loadEFER | EntryControl.loadPAT, wanted: EntryControl.loadDebugControls,
        reserved: 0x11FB, switched: EntryControl.ia32eModeGuest)
}
