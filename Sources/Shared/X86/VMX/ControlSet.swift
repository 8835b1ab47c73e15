/// Which field of controls a set is about.
public enum ControlKind: UInt8, Sendable { case pin, processor, secondary, exit, entry }

/// What folding a set of controls with a processor's capability gives.
public enum ControlResult: Equatable, Sendable {
    /// The value to write into the VMCS.
    case value(UInt32)
    /// The lowest required control (as a mask of one bit) that the processor does not have.
    case notOffered(UInt32)
    /// The lowest control (as a mask of one bit) that has to be able to be 0 and that the processor wants to be 1.
    case alwaysOn(UInt32)
}

/// What the hypervisor asks of one field of VMX controls. Whatever is in none of its sets is 0 where the processor lets it.
public struct ControlSet: Sendable {
    public let kind: ControlKind
    /// Always 1; without them the processor is refused.
    public let required: UInt32
    /// 1 where the processor has them.
    public internal(set) var wanted: UInt32 = 0
    /// Always 0.
    public internal(set) var forbidden: UInt32 = 0
    /// 0 in the folded value, and offered: set and cleared while the guest runs.
    public internal(set) var switched: UInt32 = 0
    /// Required where any of `substituted` is not offered.
    public internal(set) var substitute: UInt32 = 0
    public internal(set) var substituted: UInt32 = 0

    /// The value for a processor whose capability register for this field reads `capability`: a bit that is 1 in its low
    /// half must be 1, a bit that is 0 in its high half must be 0 (Intel SDM volume 3D, appendix A.3 to A.5).
    public func fold(capability: UInt64) -> ControlResult {
        let mustBeOne = UInt32(truncatingIfNeeded: capability)
        let mayBeOne = UInt32(truncatingIfNeeded: capability >> 32)
        let needed = required | (substituted & ~mayBeOne == 0 ? 0 : substitute)
        let absent = (needed | switched) & ~mayBeOne
        guard absent == 0 else { return .notOffered(absent & (0 &- absent)) }
        let stuck = (forbidden | switched) & mustBeOne
        guard stuck == 0 else { return .alwaysOn(stuck & (0 &- stuck)) }
        return .value(mustBeOne | needed | wanted & mayBeOne)
    }
}

extension ControlSet {
    /// The kick is an NMI, which must not be lost while the guest handles one of its own. Where the processor cannot tell the
    /// two apart, the preemption timer does the kick's work. External interrupts go straight to the guest (law 3).
    public static let pin = ControlSet(
        kind: .pin, required: PinControl.nmiExiting, wanted: PinControl.virtualNMIs,
        forbidden: PinControl.externalInterruptExiting | PinControl.postedInterrupts,
        switched: PinControl.preemptionTimer, substitute: PinControl.preemptionTimer,
        substituted: PinControl.virtualNMIs)

    /// Exiting for CR3 or INVLPG, which processors without the "true" capability registers insist on, would cost an exit for
    /// each switch of a guest's processes.
    public static let processor = ControlSet(
        kind: .processor,
        required: ProcessorControl.tscOffsetting | ProcessorControl.mwaitExiting | ProcessorControl.rdpmcExiting
            | ProcessorControl.ioBitmaps | ProcessorControl.msrBitmaps | ProcessorControl.monitorExiting
            | ProcessorControl.secondaryControls,
        forbidden: ProcessorControl.interruptWindowExiting | ProcessorControl.hltExiting
            | ProcessorControl.invlpgExiting | ProcessorControl.rdtscExiting | ProcessorControl.cr3LoadExiting
            | ProcessorControl.cr3StoreExiting | ProcessorControl.cr8LoadExiting | ProcessorControl.cr8StoreExiting
            | ProcessorControl.tprShadow | ProcessorControl.movDRExiting | ProcessorControl.pauseExiting)

    /// Without "enable RDTSCP" and its like the instruction is undefined in the guest. "Enable user wait and pause" stays
    /// off, since CPUID hides WAITPKG.
    public static let secondary = ControlSet(
        kind: .secondary,
        required: SecondaryControl.ept | SecondaryControl.vpid | SecondaryControl.unrestrictedGuest
            | SecondaryControl.wbinvdExiting,
        wanted: SecondaryControl.rdtscp | SecondaryControl.invpcid,
        forbidden: SecondaryControl.virtualizeAPICAccesses | SecondaryControl.descriptorTableExiting
            | SecondaryControl.virtualizeX2APIC | SecondaryControl.userWait)

    public static let exit = ControlSet(
        kind: .exit,
        required: ExitControl.hostAddressSpaceSize | ExitControl.saveEFER | ExitControl.loadEFER
            | ExitControl.savePAT | ExitControl.loadPAT,
        wanted: ExitControl.saveDebugControls, forbidden: ExitControl.acknowledgeInterrupt)

    /// Whether the guest is in IA-32e mode changes while it runs.
    public static let entry = ControlSet(
        kind: .entry, required: EntryControl.loadEFER | EntryControl.loadPAT, wanted: EntryControl.loadDebugControls,
        switched: EntryControl.ia32eModeGuest)
}
