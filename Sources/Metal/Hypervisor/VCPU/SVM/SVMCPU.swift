import Silicon
import X86

/// A vCPU of SVM: a virtual machine control block (AMD64 APM volume 2, section 15.5).
struct SVMCPU: VirtualCPU {
    let vmcb: UInt64
    private let hostState: UInt64
    let registers: Pointer<guest_registers>
    let maps: PermissionMaps
    let nested: NestedRoots
    /// The guest's own trap flag while `singleStep` has taken it, else nil.
    var steppedFlags: UInt64?
    /// Whether the latest exit was the end of a single step.
    var isSingleStepDone = false
    var isLoading = false
    let addressSpace: UInt32

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32) {
        vmcb = core.controlBlock
        hostState = core.hostState
        registers = Pointer(at: core.registers)
        self.maps = maps
        self.nested = nested
        self.addressSpace = addressSpace
    }

    @inline(__always)
    mutating func run() -> GuestExit {
        unsafe svm_run(UnsafeMutablePointer(bitPattern: UInt(registers.address)), vmcb, hostState)
        // The flush that a reset asked for is done; an event whose delivery was cut short is delivered again (15.7.2).
        store(UInt8(0), vmcb &+ UInt64(VMCB.tlbControl))
        self[VMCB.eventInjection] = self[VMCB.exitInterruptInfo]
        if steppedFlags != nil, endSingleStep() { return .rare }
        return decode(self[VMCB.exitCode])
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) {
        let next = self[VMCB.nextRIP]
        rip = next != 0 ? next : rip &+ length
        self[VMCB.interruptShadow] = 0
    }

    @inline(__always)
    mutating func raise(_ vector: UInt8, error: UInt32?) {
        // Event injection, section 15.20: type 3 is an exception, bit 11 says that an error code is valid.
        self[VMCB.eventInjection] =
            UInt64(vector) | 3 << 8 | 1 << 31 | (error.map { UInt64($0) << 32 | 1 << 11 } ?? 0)
    }

    @inline(__always)
    mutating func singleStep() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        steppedFlags = self[VMCB.rflags] & RFLAGS.trap
        self[VMCB.rflags] |= RFLAGS.trap
        self[VMCB.interruptShadow] = 1  // no interrupt comes before the instruction
        useNested(nested.bus)
    }

    /// Whatever ended the step, the guest's own trap flag and view of memory come back. False when it was not the step's trap.
    @inline(never)
    private mutating func endSingleStep() -> Bool {
        let trap = steppedFlags ?? 0
        steppedFlags = nil
        self[VMCB.rflags] = self[VMCB.rflags] & ~RFLAGS.trap | trap
        useNested(isLoading ? nested.loader : nested.memory)
        isSingleStepDone = self[VMCB.exitCode] == ExitCode.exceptionFirst + UInt64(Vector.debug)
        guard isSingleStepDone else { return false }
        // A guest that steps itself gets the trap that was its own.
        if trap != 0 { raise(Vector.debug, error: nil) } else { self[VMCB.dr6] &= ~(1 << 14) }
        return true
    }

    mutating func endLoader() {
        isLoading = false
        useNested(nested.memory)
    }

    @inline(__always)
    private func useNested(_ root: UInt64) {
        self[VMCB.nestedCR3] = root
        store(UInt8(1), vmcb &+ UInt64(VMCB.tlbControl))
    }

    mutating func injectNMI() { self[VMCB.eventInjection] = UInt64(Vector.nmi) | 2 << 8 | 1 << 31 }

    mutating func takeHostInterrupt() {
        cpu_stgi()
        cpu_clgi()
    }

    subscript(field: Int) -> UInt64 {
        @inline(__always) get { load(vmcb &+ UInt64(field)) }
        @inline(__always) nonmutating set { store(newValue, vmcb &+ UInt64(field)) }
    }
}
