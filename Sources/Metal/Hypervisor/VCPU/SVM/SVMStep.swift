import Silicon
import X86

// Single steps, and NMIs of the guest, which may have to wait for the end of one.
extension SVMCPU {
    mutating func singleStep() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        beginStep(.access)
        useNested(nested.bus)
    }

    mutating func beginStep(_ kind: SingleStep.Kind) {
        // A handler of the guest's must not run with what the step has changed.
        store(Vector.exitingInStep, vmcb + UInt64(VMCB.interceptExceptions))
        if kind == .access, self[VMCB.exitInterruptInfo] & 1 << 31 != 0 {
            step = SingleStep(.delivery)
            // What is injected exits before its handler's first instruction, for an NMI that waits.
            if interruptedEvent.isValid { LocalAPIC.kick(LocalAPIC.id) }
        } else {
            step = SingleStep(kind, rflags: self[VMCB.rflags], dr6: self[VMCB.dr6])
            self[VMCB.rflags] |= RFLAGS.trap
            self[VMCB.dr6] &= ~(DR6.breakpoints | DR6.singleStep)
            self[VMCB.interruptShadow] = 1
        }
    }

    /// The guest's own exits and view of memory come back. False when it was not the step's trap alone, and what
    /// it was may be answered at once.
    @inline(never)
    mutating func endStep() -> Bool {
        let isReturn = step.kind == .interruptReturn
        let isDebug = self[VMCB.exitCode] == ExitCode.exceptionFirst + UInt64(Vector.debug)
        var (rflags, dr6) = (self[VMCB.rflags], self[VMCB.dr6])
        let causes = isDebug ? dr6 : 0
        step.end(causes: causes, rflags: &rflags, dr6: &dr6)
        (self[VMCB.rflags], self[VMCB.dr6]) = (rflags, dr6)
        store(Vector.exiting, vmcb + UInt64(VMCB.interceptExceptions))
        self[VMCB.intercepts] &= ~(Intercept.halt | Intercept.softwareInterrupt)
        // What a step has opened is guarded again.
        if guarding != .off { guardRegisters(guarding == .locked) }
        if guarding == .locked { efer |= EFER.systemCall }
        // An IRET that is not through runs again.
        if isReturn, causes & DR6.singleStep == 0 { self[VMCB.intercepts] |= Intercept.iret }
        view(isLoading: isLoading)
        return step.isDone
    }

    /// Injects the NMI that waits, or sees to it that an exit comes when the guest can take it. The processor blocks none
    /// behind one that was injected (section 15.20): until the guest is behind its IRET, which exits and is stepped over,
    /// there comes none.
    @inline(never)
    mutating func offerNMI() {
        if step.isActive || self[VMCB.intercepts] & Intercept.iret != 0 { return }
        if interruptedEvent.isValid { return LocalAPIC.kick(LocalAPIC.id) }
        if self[VMCB.interruptShadow] & 1 != 0 {
            // A HLT behind STI would wait for what has come already, its trap with it.
            self[VMCB.intercepts] |= Intercept.halt
            return beginStep(.shadow)
        }
        hasPendingNMI = false
        self[VMCB.eventInjection] = UInt64(InterruptionInfo(vector: Vector.nmi, kind: .nmi).rawValue)
        self[VMCB.intercepts] |= Intercept.iret
    }

    /// The guest is about to leave its NMI's handler.
    mutating func leaveNMI() {
        self[VMCB.intercepts] &= ~Intercept.iret
        beginStep(.interruptReturn)
    }
}
