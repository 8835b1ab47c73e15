import Silicon
import Watch
import X86

/// A vCPU of VMX: a virtual-machine control structure (SDM volume 3, chapter 24).
struct VMXCPU: VirtualCPU {
    let means: VCPUMeans
    let controls: VMXControlValues
    /// Whether the control structure has been entered since it was cleared: the next entry is by VMRESUME.
    private var isLaunched = false
    var step = SingleStep()
    /// What `vmx_run` has answered: 0 an exit, 1 an entry that did not begin, 2 a kick before the entry.
    private(set) var entryResult: UInt32 = 0
    private(set) var isLoading = false
    /// A guest's NMI that waits until the guest can take it.
    var hasPendingNMI = false
    // The watch is not there on Intel's processors yet: a manifest that asks for it is refused (`PlannedMachine`).
    var guarding = Guarding.off
    var guarded = GuardedRegisters()
    mutating func stepGuarded(root: UInt64?) -> Bool { false }
    mutating func enterSystemCall() {}
    mutating func leaveSystemCall(to64Bit: Bool) {}

    private let block: UInt64

    init(core: borrowing CoreLayout, block: UInt64, _ means: VCPUMeans) {
        self.block = block
        self.means = means
        // `enable` was through all of them on this core.
        controls = (try? VMX.foldControls()) ?? VMXControlValues()
        // The control structure is an empty one, not launched, and the current one (section 24.11.3).
        _ = vmx_clear(block)
        makeCurrent()
        writeControls()
    }

    func makeCurrent() { _ = vmx_load(block) }

    @inline(__always)
    mutating func run() -> GuestExit {
        if hasPendingNMI { offerNMI() }
        entryResult = unsafe vmx_run(UnsafeMutablePointer(bitPattern: UInt(registers.address)), isLaunched ? 1 : 0)
        let reason = VMXExitReason(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.exitReason]))
        if entryResult != 0 { return noEntry(reason) }
        let interrupted = InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.idtVectoringInfo]))
        // An entry that failed has not written it.
        if interrupted.isValid, !reason.isEntryFailure { deliverAgain(interrupted) }
        isLaunched = isLaunched || !reason.isEntryFailure
        if step.isActive, endStep(reason) { return .rare }
        return decode(reason)
    }

    /// A step that a kick has kept from its entry begins again: the exit before this one was no trap.
    @inline(never)
    private mutating func noEntry(_ reason: VMXExitReason) -> GuestExit {
        if step.isActive { _ = endStep(reason) }
        return .rare
    }

    /// An event whose delivery was cut short is delivered at the next entry (section 27.2.4).
    private mutating func deliverAgain(_ event: InterruptionInfo) {
        self[VMCSField.entryInterruptionInfo] = UInt64(event.reinjected.rawValue)
        self[VMCSField.entryExceptionError] = self[VMCSField.idtVectoringError]
        self[VMCSField.entryInstructionLength] = self[VMCSField.exitInstructionLength]
        if event.kind == .nmi { self[VMCSField.guestInterruptibility] &= ~Self.blockingByNMI }
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) { finish(at: next) }

    @inline(__always)
    mutating func finish(at next: UInt64) {
        rip = next
        endShadow()
        let flags = self[VMCSField.guestRFLAGS]
        if flags & (RFLAGS.trap | RFLAGS.resume) != 0 { endFlags(flags) }
    }

    /// As on silicon, RF is the one instruction's, and the trap of a guest that steps itself comes behind it.
    @inline(never)
    private func endFlags(_ flags: UInt64) {
        self[VMCSField.guestRFLAGS] = flags & ~RFLAGS.resume
        if flags & RFLAGS.trap != 0 { self[VMCSField.guestPendingDebug] |= DR6.singleStep }
    }

    /// What STI or MOV SS has held back is held back no more; a trap that it kept is the next instruction's.
    @inline(__always)
    mutating func endShadow() {
        let interruptibility = self[VMCSField.guestInterruptibility]
        if interruptibility & Self.shadow != 0 {
            self[VMCSField.guestInterruptibility] = interruptibility & ~Self.shadow
            self[VMCSField.guestPendingDebug] = 0
        }
    }

    mutating func raise(_ vector: UInt8, error: UInt32?) {
        self[VMCSField.entryExceptionError] = UInt64(error ?? 0)
        // A fault's handler finds RF set (SDM volume 3, section 17.3.1.1); #DB is a trap here.
        if vector != Vector.debug { self[VMCSField.guestRFLAGS] |= RFLAGS.resume }
        let event = InterruptionInfo(exception: vector, hasError: error != nil, cr0: cr0)
        self[VMCSField.entryInterruptionInfo] = UInt64(event.rawValue)
        endShadow()
    }

    var interruptedEvent: InterruptionInfo {
        @inline(__always) get {
            InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.entryInterruptionInfo]))
        }
    }

    /// Injects the NMI that waits, or asks for an exit when the guest can take it. An entry that injects one drops the debug
    /// exceptions that are pending (section 26.7.3), behind which it is due.
    private mutating func offerNMI() {
        let blocked = Self.shadow | Self.blockingByNMI
        if step.isActive { return }
        if self[VMCSField.guestInterruptibility] & blocked == 0,
            !interruptedEvent.isValid, self[VMCSField.guestPendingDebug] == 0
        {
            self[VMCSField.entryInterruptionInfo] = UInt64(InterruptionInfo(vector: Vector.nmi, kind: .nmi).rawValue)
            hasPendingNMI = false
        } else if controls.pin & PinControl.virtualNMIs != 0 {
            self[VMCSField.processorControls] |= UInt64(ProcessorControl.nmiWindowExiting)
        }
    }

    /// The guest can take an NMI now.
    mutating func closeNMIWindow() { self[VMCSField.processorControls] &= ~UInt64(ProcessorControl.nmiWindowExiting) }

    mutating func singleStep() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        // A handler of the guest's must not run with what the step has changed.
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exitingInStep)
        self[VMCSField.eptPointer] = EPTFormat.pointer(root: nested.bus)
        if interruptedEvent.isValid {
            step = SingleStep(.delivery)
            // An exit between the delivery and its handler's first instruction (section 26.7.4).
            self[VMCSField.preemptionTimer] = 0
            self[VMCSField.pinControls] |= UInt64(PinControl.preemptionTimer)
        } else {
            step = SingleStep(.access, rflags: self[VMCSField.guestRFLAGS])
            self[VMCSField.guestRFLAGS] |= RFLAGS.trap
            // The shadow of a MOV SS. With the trap flag set its trap has to be pending (section 26.3.1.5).
            self[VMCSField.guestInterruptibility] = self[VMCSField.guestInterruptibility] & ~Self.shadow | 2
            self[VMCSField.guestPendingDebug] |= DR6.singleStep
        }
    }

    /// The guest's own exits and view of memory come back. False when it was not the step's trap alone.
    @inline(never)
    private mutating func endStep(_ reason: VMXExitReason) -> Bool {
        if step.kind == .delivery { stopTimer() } else { endShadow() }
        let isDebug =
            reason.rawValue == UInt32(VMXExit.exceptionOrNMI)
            && self[VMCSField.exitInterruptionInfo] & 0xFF == UInt64(Vector.debug)
        // DR6 is as the guest has it: the exit has not changed it.
        var (rflags, dr6) = (self[VMCSField.guestRFLAGS], 0 as UInt64)
        step.end(causes: isDebug ? self[VMCSField.exitQualification] : 0, rflags: &rflags, dr6: &dr6)
        self[VMCSField.guestRFLAGS] = rflags
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exiting)
        view(isLoading: isLoading)
        return step.isDone
    }

    /// Where guests' NMIs cannot be told from ours, a guest could block both, and the timer stays: it is looked after every so
    /// often.
    func stopTimer() {
        self[VMCSField.pinControls] = UInt64(controls.pin)
        self[VMCSField.preemptionTimer] = 1 << 20
    }

    /// Translations are tagged by their root: what the loader's has left in the processor is of no use behind another.
    mutating func view(isLoading: Bool) {
        self.isLoading = isLoading
        self[VMCSField.eptPointer] = EPTFormat.pointer(root: isLoading ? nested.loader : nested.memory)
    }

    mutating func takeHostInterrupt() { unblock_nmi() }

    /// Blocking by STI and by MOV SS in the guest's interruptibility state (table 24-3).
    static let shadow: UInt64 = 1 << 0 | 1 << 1
    static let blockingByNMI: UInt64 = 1 << 3

    subscript(field: UInt32) -> UInt64 {
        @inline(__always) get { vmx_read(field) }
        @inline(__always) nonmutating set { vmx_write(field, newValue) }
    }
}
