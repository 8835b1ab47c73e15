import Control
import Manifest
import Platform
import Records
import Silicon
import Text
import X86

extension ExitContext {
    /// Answers one exit. What the guest may not have is answered as silicon without it would.
    @inline(__always)
    mutating func handle(_ exit: GuestExit) -> ExitOutcome {
        switch exit {
        case .cpuid:
            count(.cpuid)
            return answerCPUID()
        case .readMSR:
            count(.msr)
            return readMSR()
        case .writeMSR: return writeMSR()
        case .port(let port, let next):
            count(.port)
            return access(port, next)
        case .rare:
            // What ended the step may have been a machine check, which no exit will tell of again.
            if watch.pending != nil, let end = endGuarded() { return MachineCheck.isUnderWay ? machineCheck(end) : end }
            return handleRare()
        }
    }

    @inline(never)
    private mutating func handleRare() -> ExitOutcome {
        core.value.exitHistory.note(cpu.exitCode, at: cpu.rip)
        if cpu.step.hasTrapped, endStep() { return .resume }
        switch cpu.decodeRare() {
        case .nmi:
            count(.nmi)
            cpu.takeHostInterrupt()
            return .handleKick
        case .hostInterrupt:
            count(.other)
            // A kick that waits is taken with it.
            cpu.takeHostInterrupt()
            return .handleKick
        case .nestedPageFault(let address, let isFetch, let isWrite):
            count(.nestedPageFault)
            // Outside its memory a guest cannot execute, nor go beyond what the nested tables can express.
            if isFetch { return violation("an instruction fetch outside its memory at %x", address) }
            if address >> 48 != 0 {
                return violation("an access to a physical address of more than 48 bits, %x", address)
            }
            // A guarded instruction that came to other memory comes there again; in the shadow of its step SVM would see no kick.
            if cpu.step.isDone {
                cpu.step = SingleStep()
                cpu.takeHostInterrupt()
                return .handleKick
            }
            if partition.value.functions != nil, beginTrappedAccess(at: address, isWrite) { return .resume }
            if isWrite, isWatched, let next = beginGuardedWrite(address) { return next }
            // Outside its memory a guest reads ones and writes in vain.
            trappedAccess.abandon()
            cpu.singleStep()
            return .resume
        case .exception(let vector, let error):
            count(.exception)
            return deliver(vector, error)
        case .machineCheck:
            count(.exception)
            return machineCheck()
        case .guardedInstruction:
            count(.other)
            return beginGuardedInstruction()
        case .answered:
            count(.other)
            return .resume
        case .setExtendedControl:
            count(.other)
            return setExtendedControl()
        case .invalidState:
            count(.other)
            return invalidState()
        case .hypercall:
            count(.hypercall)
            #if FAULT_INJECTION
                injectFault()
            #endif
            if cpu.isLoading, let answer = answerLoader() { return answer }
            return answerCall()
        case .refusedInstruction:
            count(.refusedInstruction)
            cpu.raise(Vector.invalidOpcode, error: nil)
            return .resume
        case .protectedInstruction:
            count(.refusedInstruction)
            return refuse()
        case .cacheControl:
            // Memory is coherent and caches are shared with neighbours: nothing needs to be written back.
            count(.cacheControl)
            cpu.skip(2)
            return .resume
        case .shutdown:
            count(.shutdown)
            return MachineCheck.isUnderWay ? machineCheck() : shutDown()
        case .initSignal:
            count(.initSipi)
            return .resume
        case .unexpected(let code):
            count(.other)
            return violation("an exit that nothing should cause, code %x", code)
        }
    }

    /// The trap behind a step has come; false where the guest has one of its own.
    @inline(never)
    private mutating func endStep() -> Bool {
        if cpu.step.hasAccessed { endTrappedAccess() }
        guard cpu.step.isDone else { return false }
        cpu.step = SingleStep()
        count(.exception)
        return true
    }

    @inline(__always)
    mutating func count(_ reason: ExitReason) { core.value.counters.value[reason] &+= 1 }

    @inline(never)
    private mutating func answerCall() -> ExitOutcome {
        cpu.rax = KVMCall.answer(privilegeLevel: cpu.privilegeLevel, is64Bit: cpu.is64Bit)
        cpu.skip(3)
        return .resume
    }

    /// Says what decides most of the processor's checks (APM volume 2, section 15.5.1; SDM volume 3C, section 27.3.1).
    /// `bulkhead crash show` names the check that failed on Intel's processors.
    private mutating func invalidState() -> ExitOutcome {
        Extension.recordInvalidState(core.value)
        var line = LogLine("a state that the processor does not enter: exit code %x", cpu.exitCode)
        line.write(", CR0 %x, CR4 %x, EFER %x", cpu.cr0, cpu.cr4, cpu.efer)
        return violation(line, 0)
    }

    /// Ends a guest that did what it cannot go on after, and says what it was.
    @inline(never) mutating func violation(_ what: StaticString, _ detail: UInt64) -> ExitOutcome {
        violation(LogLine(what, detail), detail)
    }

    private mutating func violation(_ what: borrowing LogLine, _ detail: UInt64) -> ExitOutcome {
        var line = LogLine(partition: partition.value.spec.name, ", vCPU %d: ", UInt64(core.value.vcpu))
        line.write(what.text)
        line.write(", at %x", cpu.rip)
        partition.value.controlPage.print(line)
        partition.value.controlPage.value.recordFault(vcpu: core.value.vcpu, code: detail, address: cpu.rip)
        // Whatever it is that ends the guest in the end: another vCPU may have a cause of its own.
        partition.value.isSecretWithheld = true
        return .end(.violation)
    }
}
