import Control
import Silicon
import Synchronization

/// What has to follow an exit.
enum ExitOutcome {
    case resume
    /// A kick has come: another core wants something.
    case handleKick
    /// This vCPU waits for a start-up IPI again.
    case waitForStartUp
    /// The guest ends.
    case end(StateCause)
}

/// Runs one vCPU on its core, from boot on.
struct VCPURunner<Extension: VirtualizationExtension>: ~Copyable {
    var context: ExitContext<Extension>
    /// Whether the partition's memory is clear and no vCPU of its uses it.
    var isClean = false
    /// Why nothing of the images may run: they are not what the manifest names, or nobody could tell.
    var refusal: StateCause? = .badImage
    /// Of the boot vCPU.
    var functionState = FunctionState.away
    /// Whether a guest has run since the boot; and when, in ticks, the next may start, which the control page only shows.
    var hasRun = false, due: UInt64 = 0
    var partition: Pointer<PartitionContext> { context.partition }
    var core: Pointer<CoreState> { context.core }

    /// Runs the guest until something else than an ordinary exit is due.
    mutating func runGuest() -> ExitOutcome {
        // A kick may have come while the core took interrupts to be rid of them; from here on none goes unnoticed.
        var next = handleKick()
        guard case .resume = next else { return next }
        guard isProtected() else {
            partition.value.controlPage.print(LogLine("bulkhead: a core does not hold what was written to it"))
            return .end(.hypervisorFault)
        }
        while true {
            next = context.handle(context.cpu.run())
            if case .resume = next { continue }
            if case .handleKick = next { next = handleKick() }
            if case .resume = next { continue }
            context.recordEnd(next)
            return next
        }
    }

    /// Does what other cores ask for: housekeeping, the orders of the boot vCPU or, on its core, of managers, and signals for
    /// this vCPU. Holds a paused vCPU here.
    @inline(never)
    private mutating func handleKick() -> ExitOutcome {
        let vcpu = core.value.vcpu
        while true {
            core.value.serveManagers()
            checkProtectionIfAsked()
            if vcpu == 0, case .end(let cause) = takeRequest() { return .end(cause) }
            switch partition.value.order.load(ordering: .sequentiallyConsistent) {
            case VCPUOrder.stop: return .waitForStartUp
            case VCPUOrder.pause:
                // The watch gives this order on any core.
                if vcpu == 0, partition.value.controlPage.value.state == .running {
                    partition.value.controlPage.value.enter(.paused, .attack)
                    partition.value.kick(allBut: vcpu)
                }
                waitWhilePaused()
            case VCPUOrder.run where partition.value.controlPage.value.state == .crashed:
                partition.value.stopIfLost(vcpu)
            default:
                // The kick of a pause that begins now waits: the guest is left before its first instruction.
                partition.value.signals[vcpu].pausedAt.store(0, ordering: .sequentiallyConsistent)
                context.cpu.clockLag = partition.value.clockLag.load(ordering: .sequentiallyConsistent)
                if vcpu == 0 { context.serveModel() }
                return takeSignals()
            }
        }
    }

    /// Waits for a kick. The guest's clock stands still since the vCPU came here first.
    private mutating func waitWhilePaused() {
        _ = partition.value.signals[core.value.vcpu].pausedAt.compareExchange(
            expected: 0, desired: cpu_rdtsc(), ordering: .sequentiallyConsistent)
        Extension.idle(core.value.layout, interruptible: false)
    }

    private mutating func takeRequest() -> ExitOutcome {
        let controlPage = partition.value.controlPage
        if let cause = partition.value.foundCause { return .end(cause) }
        if controlPage.value.isOverdue { return .end(.watchdog) }
        if controlPage.value.hold.isAsked { return .end(.physicalFunction) }
        guard let request = controlPage.value.request else { return .resume }
        if request == .stop || request == .restart { return .end(.manager) }
        // Before its effect is to be seen: who sees that may ask for the next.
        controlPage.value.takeRequest()
        switch request {
        case .pause where controlPage.value.state == .running:
            partition.value.order.store(VCPUOrder.pause, ordering: .sequentiallyConsistent)
            controlPage.value.enter(.paused, .manager)
        // A manager's request may be late. If the guest runs again, or the watch has just frozen it and the other vCPUs are not
        // kicked yet, none is paused that could be waited for.
        case .resume where controlPage.value.state == .paused:
            partition.value.resumeClock()
            if let cause = partition.value.foundCause { return .end(cause) }
            partition.value.order.store(VCPUOrder.run, ordering: .sequentiallyConsistent)
            controlPage.value.enter(.running, .manager)
        default: break  // too late, or done already
        }
        partition.value.kick(allBut: core.value.vcpu)
        return .resume
    }

    private mutating func takeSignals() -> ExitOutcome {
        let vcpu = core.value.vcpu
        if partition.value.signals[vcpu].startUp.load(ordering: .relaxed) != 0 { return .waitForStartUp }
        if partition.value.signals[vcpu].nmi.exchange(false, ordering: .relaxed) { context.cpu.hasPendingNMI = true }
        return .resume
    }
}
