import Silicon
import X86

/// A vCPU of VMX: a virtual-machine control structure, the current one of its core for ever (SDM volume 3, chapter 24).
struct VMXCPU: VirtualCPU {
    let registers: Pointer<guest_registers>
    private let region: UInt64
    let maps: PermissionMaps
    let nested: NestedRoots
    let addressSpace: UInt32
    let controls: VMXControlValues
    /// Whether the control structure has been entered since it was cleared: the next entry is by VMRESUME.
    private var isLaunched = false
    var step = SingleStep()
    /// What `vmx_run` has answered: 0 an exit, 1 an entry that did not begin, 2 a kick before the entry.
    private(set) var entryResult: UInt32 = 0
    private(set) var isLoading = false
    /// A guest's NMI that waits until the guest can take it.
    var hasPendingNMI = false

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32) {
        registers = Pointer(at: core.registers)
        region = core.controlBlock
        self.maps = maps
        self.nested = nested
        self.addressSpace = addressSpace
        // `enable` was through all of them on this core.
        controls = (try? VMX.foldControls()) ?? VMXControlValues()
        activate()
    }

    /// Makes the control structure an empty one and the current one (section 24.11.3).
    private mutating func activate() {
        _ = vmx_clear(region)
        _ = vmx_load(region)
        isLaunched = false
        writeControls()
    }

    @inline(__always)
    mutating func run() -> GuestExit {
        if hasPendingNMI { offerNMI() }
        entryResult = unsafe vmx_run(UnsafeMutablePointer(bitPattern: UInt(registers.address)), isLaunched ? 1 : 0)
        guard entryResult == 0 else { return .rare }
        let reason = VMXExitReason(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.exitReason]))
        let interrupted = InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.idtVectoringInfo]))
        if interrupted.isValid { deliverAgain(interrupted) }
        isLaunched = isLaunched || !reason.isEntryFailure
        if step.isActive, endStep(reason) { return .rare }
        return decode(reason)
    }

    /// An event whose delivery was cut short is delivered at the next entry (section 27.2.4).
    private mutating func deliverAgain(_ event: InterruptionInfo) {
        self[VMCSField.entryInterruptionInfo] = UInt64(event.reinjected.rawValue)
        self[VMCSField.entryExceptionError] = self[VMCSField.idtVectoringError]
        self[VMCSField.entryInstructionLength] = self[VMCSField.exitInstructionLength]
        if event.kind == .nmi { self[VMCSField.guestInterruptibility] &= ~Self.blockingByNMI }
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) { finish(at: rip &+ self[VMCSField.exitInstructionLength]) }

    @inline(__always)
    mutating func finish(at next: UInt64) {
        rip = next
        endShadow()
        // As on silicon, the trap of a guest that steps itself comes behind the instruction.
        if self[VMCSField.guestRFLAGS] & RFLAGS.trap != 0 { self[VMCSField.guestPendingDebug] |= DR6.singleStep }
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
        // In real mode no error code is pushed, and an entry that asks for one fails (section 26.2.1.3).
        let hasError = error != nil && self[VMCSField.guestCR0] & CR0.protectionEnable != 0
        self[VMCSField.entryExceptionError] = UInt64(error ?? 0)
        inject(InterruptionInfo(vector: vector, kind: .hardwareException, hasError: hasError))
        endShadow()
    }

    var interruptedEvent: InterruptionInfo {
        @inline(__always) get {
            InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.entryInterruptionInfo]))
        }
    }

    private mutating func inject(_ event: InterruptionInfo) {
        self[VMCSField.entryInterruptionInfo] = UInt64(event.rawValue)
    }

    mutating func injectNMI() { hasPendingNMI = true }

    /// Injects the NMI that waits, or asks for an exit when the guest can take it.
    private mutating func offerNMI() {
        let blocked = Self.shadow | Self.blockingByNMI
        if step.isActive { return }
        if self[VMCSField.guestInterruptibility] & blocked == 0,
            !interruptedEvent.isValid
        {
            inject(InterruptionInfo(vector: Vector.nmi, kind: .nmi))
            hasPendingNMI = false
        } else {
            openNMIWindow()
        }
    }

    /// Asks for an exit where the guest can take an NMI.
    private mutating func openNMIWindow() {
        if controls.pin & PinControl.virtualNMIs != 0 {
            self[VMCSField.processorControls] |= UInt64(ProcessorControl.nmiWindowExiting)
        }
    }

    /// The guest can take an NMI now.
    mutating func closeNMIWindow() {
        self[VMCSField.processorControls] &= ~UInt64(ProcessorControl.nmiWindowExiting)
    }

    mutating func singleStep() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        let flags = self[VMCSField.guestRFLAGS]
        step = SingleStep(isActive: true, flags: flags & Self.stepFlags, isDelivery: interruptedEvent.isValid)
        // A handler of the guest's must not run with what the step has changed.
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exitingInStep)
        self[VMCSField.eptPointer] = EPTPointer.make(root: nested.bus)
        // The event would save the flags. The exit comes before its handler's first instruction.
        if step.isDelivery { return openNMIWindow() }
        // No interrupt comes before the instruction. With the trap flag an entry takes no shadow of STI or MOV SS (section
        // 26.3.1.5). The guest's own trap comes behind the instruction.
        self[VMCSField.guestRFLAGS] = flags & ~Self.stepFlags | RFLAGS.trap
        self[VMCSField.guestInterruptibility] &= ~Self.shadow
        self[VMCSField.guestPendingDebug] &= ~DR6.singleStep
    }

    /// Whatever ended the step, the guest's own flags and view of memory come back. False when it was not the step's trap.
    @inline(never)
    private mutating func endStep(_ reason: VMXExitReason) -> Bool {
        let (flags, isDelivery) = (step.flags, step.isDelivery)
        step = SingleStep()
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exiting)
        self[VMCSField.eptPointer] = EPTPointer.make(root: isLoading ? nested.loader : nested.memory)
        if isDelivery { return false }
        self[VMCSField.guestRFLAGS] = self[VMCSField.guestRFLAGS] & ~Self.stepFlags | flags
        let isTrap =
            reason.rawValue == UInt32(VMXExit.exceptionOrNMI)
            && self[VMCSField.exitInterruptionInfo] & 0xFF == UInt64(Vector.debug)
        // A guest that steps itself, or watches the address, gets the trap that was its own.
        let ownCauses = self[VMCSField.exitQualification] & (flags & RFLAGS.trap != 0 ? 0x600F : 0x200F)
        step.isDone = isTrap && ownCauses == 0
        return step.isDone
    }
    private static let stepFlags = RFLAGS.trap | RFLAGS.interrupt

    /// Translations are tagged by their root: what the loader's has left in the processor is of no use behind another.
    mutating func view(isLoading: Bool) {
        self.isLoading = isLoading
        self[VMCSField.eptPointer] = EPTPointer.make(root: isLoading ? nested.loader : nested.memory)
    }
    mutating func endLoader() { view(isLoading: false) }

    mutating func takeHostInterrupt() { unblock_nmi() }

    /// Blocking by STI and by MOV SS in the guest's interruptibility state (table 24-3).
    static let shadow: UInt64 = 1 << 0 | 1 << 1
    static let blockingByNMI: UInt64 = 1 << 3

    subscript(field: UInt32) -> UInt64 {
        @inline(__always) get { vmx_read(field) }
        @inline(__always) nonmutating set { vmx_write(field, newValue) }
    }
}
