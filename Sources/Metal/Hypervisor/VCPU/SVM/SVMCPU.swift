import Silicon
import X86

/// A vCPU of SVM: a virtual machine control block (AMD64 APM volume 2, section 15.5).
struct SVMCPU: VirtualCPU {
    let vmcb: UInt64
    private let hostState: UInt64
    let means: VCPUMeans
    var step = SingleStep()
    var hasPendingNMI = false
    private(set) var isLoading = false
    var guarding = Guarding.off { didSet { guardRegisters(guarding == .locked) } }

    init(core: borrowing CoreLayout, block: UInt64, _ means: VCPUMeans) {
        vmcb = block
        hostState = core.hostState
        self.means = means
    }

    func makeCurrent() {}

    @inline(__always)
    mutating func run() -> GuestExit {
        if hasPendingNMI { offerNMI() }
        unsafe svm_run(UnsafeMutablePointer(bitPattern: UInt(registers.address)), vmcb, hostState)
        // The flush that a reset asked for is done; an event whose delivery was cut short is delivered again (15.7.2).
        store(UInt8(0), vmcb &+ UInt64(VMCB.tlbControl))
        self[VMCB.eventInjection] = self[VMCB.exitInterruptInfo]
        if step.isActive, endStep() { return .rare }
        return decode(self[VMCB.exitCode])
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) {
        let next = self[VMCB.nextRIP]
        finish(at: next != 0 ? next : instructionEnd(rip, length, is64Bit: is64Bit))
    }

    @inline(__always)
    mutating func finish(at next: UInt64) {
        rip = next
        self[VMCB.interruptShadow] = 0
        if self[VMCB.rflags] & (RFLAGS.trap | RFLAGS.resume) != 0 { endFlags() }
    }

    /// As on silicon, RF is the one instruction's, and the trap of a guest that steps itself comes behind it.
    @inline(never)
    private mutating func endFlags() {
        self[VMCB.rflags] &= ~RFLAGS.resume
        guard self[VMCB.rflags] & RFLAGS.trap != 0 else { return }
        self[VMCB.dr6] |= DR6.singleStep
        raise(Vector.debug, error: nil)
    }

    @inline(__always)
    mutating func raise(_ vector: UInt8, error: UInt32?) {
        let event = InterruptionInfo(exception: vector, hasError: error != nil, cr0: cr0)
        self[VMCB.eventInjection] = UInt64(event.rawValue) | UInt64(error ?? 0) << 32
        self[VMCB.interruptShadow] = 0
    }

    var interruptedEvent: InterruptionInfo {
        @inline(__always) get { InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCB.eventInjection])) }
    }

    mutating func view(isLoading: Bool) {
        self.isLoading = isLoading
        useNested(isLoading ? nested.loader : nested.memory)
    }

    @inline(__always)
    func useNested(_ root: UInt64) {
        self[VMCB.nestedCR3] = root
        store(UInt8(1), vmcb &+ UInt64(VMCB.tlbControl))
    }

    mutating func takeHostInterrupt() {
        cpu_stgi()
        cpu_clgi()
    }

    subscript(field: Int) -> UInt64 {
        @inline(__always) get { load(vmcb &+ UInt64(field)) }
        @inline(__always) nonmutating set { store(newValue, vmcb &+ UInt64(field)) }
    }
}
