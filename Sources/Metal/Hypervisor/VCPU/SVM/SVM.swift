import Silicon
import Text
import X86

/// AMD's virtual processor (AMD64 APM volume 2, chapter 15).
struct SVM: VirtualCPU {
    let vmcb: UInt64
    private let hostState: UInt64
    let registers: UInt64
    let maps: PermissionMaps
    let nested: NestedRoots
    /// The guest's own trap flag while `stepOver` has taken it, else nil.
    var steppingOver: UInt64?
    var isLoading = false
    let addressSpace: UInt32

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32) {
        vmcb = core.controlBlock
        hostState = core.hostState
        registers = core.registers
        self.maps = maps
        self.nested = nested
        self.addressSpace = addressSpace
    }

    @inline(__always)
    mutating func run() -> Exit {
        unsafe svm_run(UnsafeMutablePointer(bitPattern: UInt(registers)), vmcb, hostState)
        // The flush that a reset asked for is done; an event whose delivery was cut short is delivered again (15.7.2).
        store(UInt8(0), vmcb + UInt64(VMCB.tlbControl))
        self[VMCB.eventInjection] = self[VMCB.exitInterruptInfo]
        if steppingOver != nil { return endStep() }
        return decode(self[VMCB.exitCode])
    }

    @inline(__always)
    mutating func skip(_ length: UInt64) {
        let next = self[VMCB.nextRIP]
        rip = next != 0 ? next : rip &+ length
        self[VMCB.interruptShadow] = 0
    }

    mutating func raise(_ vector: UInt8, error: UInt32?) {
        // Event injection, section 15.20: type 3 is an exception, bit 11 says that an error code is valid.
        self[VMCB.eventInjection] =
            UInt64(vector) | 3 << 8 | 1 << 31 | (error.map { UInt64($0) << 32 | 1 << 11 } ?? 0)
    }

    mutating func stepOver() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        steppingOver = self[VMCB.rflags] & RFLAGS.trap
        self[VMCB.rflags] |= RFLAGS.trap
        self[VMCB.interruptShadow] = 1  // no interrupt comes before the instruction
        useNested(nested.bus)
    }

    /// Whatever ended the step, the guest's own trap flag and view of memory come back.
    private mutating func endStep() -> Exit {
        let trap = steppingOver ?? 0
        steppingOver = nil
        self[VMCB.rflags] = self[VMCB.rflags] & ~RFLAGS.trap | trap
        useNested(isLoading ? nested.loader : nested.memory)
        guard self[VMCB.exitCode] == ExitCode.exceptionFirst + UInt64(Vector.debug) else {
            return decode(self[VMCB.exitCode])
        }
        // A guest that steps itself gets the trap that was its own.
        if trap != 0 { raise(Vector.debug, error: nil) } else { self[VMCB.dr6] &= ~(1 << 14) }
        return .stepped
    }

    mutating func endLoader() {
        isLoading = false
        useNested(nested.memory)
    }

    private func useNested(_ root: UInt64) {
        self[VMCB.nestedCR3] = root
        store(UInt8(1), vmcb + UInt64(VMCB.tlbControl))
    }

    mutating func injectNMI() { self[VMCB.eventInjection] = UInt64(Vector.nmi) | 2 << 8 | 1 << 31 }

    func describeInvalidState(to line: inout LogLine) {
        line.write("VMRUN refused it (APM volume 2, section 15.5.1), CR0 ")
        line.write(hexadecimal: self[VMCB.cr0])
        line.write(", CR4 ")
        line.write(hexadecimal: self[VMCB.cr4])
        line.write(", EFER ")
        line.write(hexadecimal: self[VMCB.efer])
    }

    mutating func takePending() {
        cpu_stgi()
        cpu_clgi()
    }

    subscript(field: Int) -> UInt64 {
        @inline(__always) get { load(vmcb &+ UInt64(field)) }
        @inline(__always) nonmutating set { store(newValue, vmcb &+ UInt64(field)) }
    }
}
