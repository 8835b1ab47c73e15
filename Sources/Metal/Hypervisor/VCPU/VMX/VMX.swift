import Silicon
import X86

/// Intel's virtual processor (SDM volume 3, chapters 24 to 28).
struct VMX: VirtualCPU {
    typealias Nested = EPTFormat
    static var vendor: Vendor { .intel }

    let registers: UInt64
    private let region: UInt64
    let maps: PermissionMaps
    let nested: NestedRoots
    let addressSpace: UInt32
    let controls: VMXControlValues
    /// Whether the control structure has been entered since it was cleared: the next entry is by VMRESUME.
    private var isLaunched = false
    /// The guest's own trap and interrupt flags while `stepOver` has taken them, else nil.
    private var steppingOver: UInt64?
    private(set) var isLoading = false
    /// A guest's NMI that waits until the guest can take it.
    private var hasPendingNMI = false

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32) {
        registers = core.registers
        region = core.controlBlock
        self.maps = maps
        self.nested = nested
        self.addressSpace = addressSpace
        // `enable` was through all of them on this core.
        controls = (try? Self.foldControls()) ?? VMXControlValues()
        activate()
    }

    /// Makes the control structure an empty one and the current one (section 24.11.3).
    private mutating func activate() {
        store(VMXBasic(rawValue: cpu_rdmsr(MSR.vmxBasic)).revision, region)
        _ = vmx_clear(region)
        _ = vmx_load(region)
        isLaunched = false
        writeControls()
        writeHost()
    }

    @inline(__always)
    mutating func run() -> Exit {
        if hasPendingNMI { offerNMI() }
        switch unsafe vmx_run(UnsafeMutablePointer(bitPattern: UInt(registers)), isLaunched ? 1 : 0) {
        case 0: break
        // VMLAUNCH or VMRESUME did not begin: its error number stands above the exit reasons (section 30.4).
        case 1: return .unexpected(self[VMCSField.instructionError] << 32)
        default: return .nmi
        }
        let reason = VMXExitReason(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.exitReason]))
        let interrupted = InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.idtVectoringInfo]))
        if interrupted.isValid { deliverAgain(interrupted) }
        isLaunched = isLaunched || !reason.isEntryFailure
        return steppingOver == nil ? decode(reason) : endStep(reason)
    }

    /// An event whose delivery was cut short is delivered at the next entry (section 27.2.4).
    private mutating func deliverAgain(_ event: InterruptionInfo) {
        self[VMCSField.entryInterruptionInfo] = UInt64(event.reinjected.rawValue)
        self[VMCSField.entryExceptionError] = self[VMCSField.idtVectoringError]
        self[VMCSField.entryInstructionLength] = self[VMCSField.exitInstructionLength]
        if event.kind == .nmi { self[VMCSField.guestInterruptibility] &= ~Self.blockingByNMI }
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) {
        rip &+= self[VMCSField.exitInstructionLength]
        let interruptibility = self[VMCSField.guestInterruptibility]
        if interruptibility & Self.shadow != 0 {
            self[VMCSField.guestInterruptibility] = interruptibility & ~Self.shadow
        }
    }

    mutating func raise(_ vector: UInt8, error: UInt32?) {
        // In real mode no error code is pushed, and an entry that asks for one fails (section 26.2.1.3).
        let hasError = error != nil && self[VMCSField.guestCR0] & CR0.protectionEnable != 0
        self[VMCSField.entryExceptionError] = UInt64(error ?? 0)
        inject(InterruptionInfo(vector: vector, kind: .hardwareException, hasError: hasError))
    }

    private mutating func inject(_ event: InterruptionInfo) {
        self[VMCSField.entryInterruptionInfo] = UInt64(event.rawValue)
    }

    mutating func injectNMI() { hasPendingNMI = true }

    /// Injects the NMI that waits, or asks for an exit when the guest can take it.
    private mutating func offerNMI() {
        let blocked = Self.shadow | Self.blockingByNMI
        if self[VMCSField.guestInterruptibility] & blocked == 0,
            self[VMCSField.entryInterruptionInfo] & 1 << 31 == 0
        {
            inject(InterruptionInfo(vector: Vector.nmi, kind: .nmi))
            hasPendingNMI = false
        } else if controls.pin & PinControl.virtualNMIs != 0 {
            self[VMCSField.processorControls] |= UInt64(ProcessorControl.nmiWindowExiting)
        }
    }

    /// The guest can take an NMI now.
    mutating func closeNMIWindow() {
        self[VMCSField.processorControls] &= ~UInt64(ProcessorControl.nmiWindowExiting)
    }

    mutating func stepOver() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        let flags = self[VMCSField.guestRFLAGS]
        steppingOver = flags & Self.stepFlags
        // No interrupt comes before the instruction. With the trap flag an entry takes no shadow of STI or MOV SS (section
        // 26.3.1.5).
        self[VMCSField.guestRFLAGS] = flags & ~Self.stepFlags | RFLAGS.trap
        self[VMCSField.guestInterruptibility] &= ~Self.shadow
        self[VMCSField.eptPointer] = EPTPointer.make(root: nested.bus)
    }

    /// Whatever ended the step, the guest's own flags and view of memory come back.
    private mutating func endStep(_ reason: VMXExitReason) -> Exit {
        let flags = steppingOver ?? 0
        steppingOver = nil
        self[VMCSField.guestRFLAGS] = self[VMCSField.guestRFLAGS] & ~Self.stepFlags | flags
        self[VMCSField.eptPointer] = EPTPointer.make(root: isLoading ? nested.loader : nested.memory)
        let isTrap =
            reason.rawValue == UInt32(VMXExit.exceptionOrNMI)
            && self[VMCSField.exitInterruptionInfo] & 0xFF == UInt64(Vector.debug)
        // A guest that steps itself, or watches the address, gets the trap that was its own.
        let ownCauses = self[VMCSField.exitQualification] & (flags & RFLAGS.trap != 0 ? 0x600F : 0x200F)
        return isTrap && ownCauses == 0 ? .stepped : decode(reason)
    }
    private static let stepFlags = RFLAGS.trap | RFLAGS.interrupt

    /// Translations are tagged by their root: what the loader's has left in the processor is of no use behind another.
    mutating func view(isLoading: Bool) {
        self.isLoading = isLoading
        self[VMCSField.eptPointer] = EPTPointer.make(root: isLoading ? nested.loader : nested.memory)
    }
    mutating func endLoader() { view(isLoading: false) }

    /// Lets go of everything that concerned the last guest.
    mutating func forget() {
        steppingOver = nil
        hasPendingNMI = false
        closeNMIWindow()
        view(isLoading: false)
        self[VMCSField.entryInterruptionInfo] = 0
    }

    mutating func takePending() { unblock_nmi() }

    /// Blocking by STI and by MOV SS in the guest's interruptibility state (table 24-3).
    static let shadow: UInt64 = 1 << 0 | 1 << 1
    static let blockingByNMI: UInt64 = 1 << 3

    subscript(field: UInt32) -> UInt64 {
        @inline(__always) get { vmx_read(field) }
        @inline(__always) nonmutating set { vmx_write(field, newValue) }
    }
}
