import Silicon
import X86

// Single steps, and what waits for their end.
extension SVMCPU {
    @inline(__always)
    mutating func singleStep() {
        unsafe cpu_fill_ones(UnsafeMutableRawPointer(bitPattern: UInt(nested.unclaimed)), FrameArena.frameSize)
        beginStep(isReturn: false)
        useNested(nested.bus)
    }

    private mutating func beginStep(isReturn: Bool) {
        step = SingleStep(isActive: true, flags: self[VMCB.rflags] & RFLAGS.trap, isReturn: isReturn)
        // A handler of the guest's must not run with what the step has changed.
        store(Vector.exitingInStep, vmcb + UInt64(VMCB.interceptExceptions))
        if interruptedEvent.isValid {
            // The event would save the trap flag. An NMI that waits exits before its handler's first instruction.
            step.isDelivery = true
            LocalAPIC.kick(LocalAPIC.id)
        } else {
            self[VMCB.rflags] |= RFLAGS.trap
            self[VMCB.interruptShadow] = 1  // no interrupt comes before the instruction
        }
    }

    /// Whatever ended the step, the guest's own trap flag and view of memory come back. False when it was not the step's trap.
    @inline(never)
    mutating func endStep() -> Bool {
        let (trap, isReturn, isDelivery) = (step.flags, step.isReturn, step.isDelivery)
        step = SingleStep()
        step.isDone = !isDelivery && self[VMCB.exitCode] == ExitCode.exceptionFirst + UInt64(Vector.debug)
        if !isDelivery && !(isReturn && step.isDone) {
            self[VMCB.rflags] = self[VMCB.rflags] & ~RFLAGS.trap | trap
        }
        store(Vector.exiting, vmcb + UInt64(VMCB.interceptExceptions))
        useNested(isLoading ? nested.loader : nested.memory)
        guard step.isDone else { return false }
        // A guest that steps itself gets the trap that was its own.
        if trap != 0 { raiseStepTrap() } else { self[VMCB.dr6] &= ~DR6.singleStep }
        return true
    }

    mutating func injectNMI() { nmi.isPending = true }

    /// Injects the NMI that waits, or sees to it that an exit comes when the guest can take it.
    @inline(never)
    mutating func offerNMI() {
        if step.isActive { return }
        switch nmi.next(at: rip, hasEvent: interruptedEvent.isValid, inShadow: self[VMCB.interruptShadow] & 1 != 0) {
        case .nothing: break
        case .inject:
            self[VMCB.eventInjection] = UInt64(Vector.nmi) | 2 << 8 | 1 << 31
            store(Intercept.wanted | Intercept.iret, vmcb + UInt64(VMCB.intercepts))
        case .exitBehindEvent: LocalAPIC.kick(LocalAPIC.id)
        case .singleStep: beginStep(isReturn: false)
        case .singleStepReturn: beginStep(isReturn: true)
        }
    }

    /// The guest is about to leave its NMI's handler.
    @inline(never)
    mutating func leaveNMI() {
        nmi.leave(at: rip)
        store(Intercept.wanted, vmcb + UInt64(VMCB.intercepts))
    }
}
