import Control
import Platform
import Records
import X86

extension ExitContext {
    /// Delivers an exception that exited. What it has interrupted on its way to the guest is not lost.
    @inline(never)
    mutating func deliver(_ vector: UInt8, _ error: UInt32?) -> ExitOutcome {
        if vector == Vector.invalidOpcode, let next = answerSystemCall() { return next }
        let event = cpu.interruptedEvent
        switch EventDelivery(vector, during: event) {
        case .exception: cpu.raise(vector, error: error)
        case .exceptionBeforeInterrupt:
            if event.kind == .nmi { cpu.hasPendingNMI = true } else { LocalAPIC.requestAgain(event.vector) }
            cpu.raise(vector, error: error)
        case .doubleFault: cpu.raise(Vector.doubleFault, error: 0)
        case .shutdown: return shutDown()
        }
        // Where the delivery raises it again the guest never comes to an instruction, before which SVM would look for NMIs.
        cpu.takeHostInterrupt()
        return .handleKick
    }

    /// The guest's processor has shut down: a triple fault.
    @inline(never)
    mutating func shutDown() -> ExitOutcome {
        guard cpu.isLoading else { return .end(.tripleFault) }
        core.value.recordCrash(.tripleFault)
        return refuseImage(.loaderFailed)
    }

    /// The guest gets #GP(0) in place of what it asked for.
    @inline(never)
    mutating func refuse() -> ExitOutcome {
        cpu.raise(Vector.generalProtection, error: 0)
        return .resume
    }
}
