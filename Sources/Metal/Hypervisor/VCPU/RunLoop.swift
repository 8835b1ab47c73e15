import Control
import Silicon
import Synchronization

extension Lifecycle {
    /// Runs the guest until something else than an ordinary exit is due.
    mutating func runGuest(_ core: inout CoreState) -> ExitOutcome {
        // A kick may have come while the core took interrupts to be rid of them; from here on none goes unnoticed.
        switch attend(&core) {
        case .resume: break
        case let other: return other
        }
        while true {
            let exit = cpu.run()
            switch handle(exit, &core) {
            case .resume: continue
            case let other:
                recordEnd(other, &core)
                return other
            }
        }
    }

    /// After a kick: what the gate, the mail and, on the lead core, managers say. Holds a paused vCPU here.
    mutating func attend(_ core: inout CoreState) -> ExitOutcome {
        while true {
            core.housekeeping?.value.serve(core)
            if core.vcpu == 0, case .end(let cause) = takeRequest(core) { return .end(cause) }
            switch partition.value.gate.load(ordering: .sequentiallyConsistent) {
            case Gate.closed: return .park
            case Gate.paused: stand(core)
            default:
                partition.value.mail[core.vcpu].stoodAt.store(0, ordering: .sequentiallyConsistent)
                // Looked at again: a pause that begins now either finds that this vCPU runs, or keeps it here.
                if partition.value.gate.load(ordering: .sequentiallyConsistent) != Gate.open { continue }
                cpu.clockLag = partition.value.clockLag.load(ordering: .sequentiallyConsistent)
                return takeMail(core)
            }
        }
    }

    /// Waits for a kick, with the guest's clock standing since it came here first.
    private func stand(_ core: borrowing CoreState) {
        let stoodAt = partition.value.mail[core.vcpu].stoodAt.load(ordering: .sequentiallyConsistent)
        if stoodAt == 0 {
            partition.value.mail[core.vcpu].stoodAt.store(cpu_rdtsc(), ordering: .sequentiallyConsistent)
        }
        CPU.idle(core.layout)
    }

    private func takeRequest(_ core: borrowing CoreState) -> ExitOutcome {
        let controlPage = partition.value.controlPage
        let verdict = partition.value.verdict.load(ordering: .sequentiallyConsistent)
        if verdict != 0 { return .end(StateCause(rawValue: UInt8(truncatingIfNeeded: verdict - 1)) ?? .violation) }
        switch controlPage.value.request {
        case .stop, .restart: return .end(.manager)
        case .pause:
            partition.value.gate.store(Gate.paused, ordering: .sequentiallyConsistent)
            controlPage.value.enter(.paused, .manager)
        case .resume:
            partition.value.resumeClock()
            partition.value.gate.store(Gate.open, ordering: .sequentiallyConsistent)
            controlPage.value.enter(.running, .manager)
        case nil: return .resume
        default: break  // to start what runs: done, and the next request may come
        }
        controlPage.value.takeRequest()
        partition.value.kick(allBut: core.vcpu)
        return .resume
    }

    private mutating func takeMail(_ core: borrowing CoreState) -> ExitOutcome {
        if partition.value.mail[core.vcpu].startUp.load(ordering: .relaxed) != 0 { return .park }
        if partition.value.mail[core.vcpu].nmi.exchange(false, ordering: .relaxed) { cpu.injectNMI() }
        return .resume
    }

    /// Sleeps until a kick; what came with it the caller looks up.
    func rest(_ core: borrowing CoreState) {
        core.housekeeping?.value.serve(core)
        CPU.idle(core.layout)
    }
}
