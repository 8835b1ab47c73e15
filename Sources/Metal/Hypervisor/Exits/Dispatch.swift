import Control
import Manifest
import Platform
import Records
import Silicon
import Synchronization
import Text
import X86

extension Lifecycle {
    /// Answers one exit. What the guest may not have is answered as silicon without it would.
    @inline(__always)
    mutating func handle(_ exit: Exit, _ core: inout CoreState) -> ExitOutcome {
        switch exit {
        case .cpuid:
            count(.cpuid, core)
            return answerCPUID(&core)
        case .readMSR:
            count(.msr, core)
            return readMSR(core)
        case .writeMSR: return writeMSR(&core)
        case .port(let port, let next):
            count(.port, core)
            return access(port, next, core)
        default: return handleRare(exit, &core)
        }
    }

    @inline(never)
    private mutating func handleRare(_ exit: Exit, _ core: inout CoreState) -> ExitOutcome {
        core.recentExits.note(cpu.exitCode, at: cpu.rip)
        switch exit {
        case .cpuid, .readMSR, .writeMSR, .port: return .resume  // answered above
        case .nmi:
            count(.nmi, core)
            cpu.takePending()
            return attend(&core)
        case .smi:
            count(.other, core)
            cpu.takePending()
            return .resume
        case .nestedPageFault(let address, let isFetch):
            count(.nestedPageFault, core)
            if !isFetch, beginTrappedAccess(at: address, core) { return .resume }
            return refuseMemory(address, isFetch, core)
        case .exception(let vector, let error):
            count(.exception, core)
            // A guest that steps itself gets its trap behind an access that was stood in for.
            if vector == Vector.debug { endTrappedAccess(core) }
            cpu.raise(vector, error: error)
            return .resume
        case .machineCheck:
            count(.exception, core)
            return machineCheck(core)
        case .stepped:
            endTrappedAccess(core)
            return .resume
        case .settled:
            count(.other, core)
            return .resume
        case .setExtendedControl:
            count(.other, core)
            return setExtendedControl()
        case .invalidState:
            count(.other, core)
            var line = LogLine("a state that the processor does not enter: ")
            cpu.describeInvalidState(to: &line)
            return violation(line, 0, core)
        case .hypercall:
            count(.hypercall, core)
            #if FAULT_INJECTION
                injectFault(core)
            #endif
            return answerLoader() ?? refuse()
        case .refusedInstruction:
            count(.refusedInstruction, core)
            return refuse()
        case .protectedInstruction:
            count(.refusedInstruction, core)
            cpu.raise(Vector.generalProtection, error: 0)
            return .resume
        case .cacheControl:
            // Memory is coherent and caches are shared with neighbours: nothing needs to be written back.
            count(.cacheControl, core)
            cpu.skip(2)
            return .resume
        case .shutdown:
            count(.shutdown, core)
            if MachineCheck.isUnderWay { return machineCheck(core) }
            return cpu.isLoading ? refuseImage(.loaderFailed) : .end(.tripleFault)
        case .initSignal:
            count(.initSipi, core)
            return .resume
        case .unexpected(let code):
            count(.other, core)
            return violation("an exit that nothing should cause, code ", code, core)
        }
    }

    @inline(__always)
    func count(_ reason: ExitReason, _ core: borrowing CoreState) { core.counters.value[reason] &+= 1 }

    private mutating func refuse() -> ExitOutcome {
        cpu.raise(Vector.invalidOpcode, error: nil)
        return .resume
    }

    /// Outside its memory a guest reads ones and writes in vain. It cannot execute there, nor go beyond what the nested
    /// tables can express.
    private mutating func refuseMemory(_ address: UInt64, _ isFetch: Bool, _ core: borrowing CoreState) -> ExitOutcome {
        if isFetch { return violation("an instruction fetch outside its memory at ", address, core) }
        if address >> 48 != 0 {
            return violation("an access to a physical address of more than 48 bits, ", address, core)
        }
        trappedAccess.abandon()
        cpu.stepOver()
        return .resume
    }

    /// Ends a guest that did what it cannot go on after, and says what it was.
    func violation(_ what: StaticString, _ detail: UInt64, _ core: borrowing CoreState) -> ExitOutcome {
        var line = LogLine(what)
        line.write(hexadecimal: detail)
        return violation(line, detail, core)
    }

    private func violation(_ what: borrowing LogLine, _ detail: UInt64, _ core: borrowing CoreState) -> ExitOutcome {
        var line = LogLine("bulkhead: partition ")
        line.write(partition.value.spec.name)
        line.write(", vCPU ")
        line.write(decimal: UInt64(core.vcpu))
        line.write(": ")
        line.write(what.text)
        line.write(", at ")
        line.write(hexadecimal: cpu.rip)
        partition.value.controlPage.value.print(line)
        partition.value.controlPage.value.recordFault(vcpu: core.vcpu, code: detail, address: cpu.rip)
        return .end(.violation)
    }
}
