import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text

extension VCPURunner {
    /// Loads, runs and ends the guest, again and again, as the manifest and managers say.
    mutating func runBootVCPU(start: Bool, recovering: Bool) -> Never {
        let page = partition.value.controlPage, tscKHz = UInt64(partition.value.platform.tscKHz)
        var starting = start, cause = StateCause.manifest, delay = RestartDelay()
        if recovering {
            // The fault may have come in the middle of a reset or of a look at images, and there again and again: the third
            // time all is left as it is.
            functionState = .lost
            let isOther = partition.value.foundCause.map { $0 == .machineCheck || $0 == .coreLost } ?? false
            if !isOther { partition.value.isSecretWithheld = true }
            var end = isOther ? partition.value.foundCause ?? .coreLost : .hypervisorFault
            core.value.failedEnds += 1
            if page.value.state == .stopping { wait(1_000_000, tscKHz) }
            if core.value.failedEnds < 3 { end = teardown(end) }
            // Whoever was made to wait for that reset waits no more, where there will be none.
            page.value.endReset()
            scrubCore()
            page.value.enter(.crashed, end)
        } else {
            if start { page.value.enter(.starting, cause) }
            context.cpu.clear()
            context.resetModelCPU()
            starting = takeBack() && start
            if !isClean { page.value.enter(.crashed, .coreLost) }
        }
        refusal = core.value.failedEnds >= 3 ? .hypervisorFault : verifyImages()
        core.value.failedEnds = 0
        while true {
            while !mayStart(&starting, cause) {
                switch page.value.takeRequest() {
                case .start, .restart:
                    if refusal == .hypervisorFault { refusal = verifyImages() }
                    (starting, cause, delay, due) = (true, .manager, RestartDelay(), 0)
                    page.value.startDue.store(due, ordering: .relaxed)
                case .stop where starting:
                    starting = false
                    page.value.enter(.stopped, .manager)
                default: nap(tscKHz: starting ? tscKHz : nil)
                }
            }
            let began = cpu_rdtsc()
            isClean = false
            let found = runOnce()
            let life = (cpu_rdtsc() - began) / tscKHz
            let end = teardown(found)
            scrubCore()
            (starting, cause) = applyLifecyclePolicy(end, &delay)
            due = cpu_rdtsc() + delay.next(after: cause, life: life) * tscKHz
            page.value.startDue.store(due, ordering: .relaxed)
        }
    }

    /// Runs the loader and then the guest until it ends; gives the cause. A frame of its own on the stack: see `scrubCore`.
    @inline(never)
    private mutating func runOnce() -> StateCause {
        if let refusal { return refusal }
        hasRun = true
        context.placeLoader()
        prepareCore()
        context.cpu.resetToLoader()
        partition.value.endCause.store(0, ordering: .relaxed)
        // What was answered to the guest before; none of its answers is still on the way.
        partition.value.controlPage.controlOut.clear()
        partition.value.controlPage.value.loads.add(1, ordering: .relaxed)
        partition.value.clockLag.store(0, ordering: .relaxed)
        partition.value.order.store(VCPUOrder.run, ordering: .sequentiallyConsistent)
        if case .end(let cause) = runGuest() { return cause }
        return .reboot  // an INIT of the first vCPU restarts the machine as silicon would
    }

    /// Stops every other vCPU and takes back what the guest had.
    /// - Returns: `cause`, or that a core does not answer.
    private mutating func teardown(_ cause: StateCause) -> StateCause {
        let state = partition, own = core.value.vcpu
        state.value.order.store(VCPUOrder.stop, ordering: .sequentiallyConsistent)
        state.value.kick(allBut: own)
        // What ends in its loader was a start too, unless nothing of its image ran: a loop of resets shows.
        if context.cpu.isLoading, cause != .badImage { state.value.controlPage.value.starts.add(1, ordering: .relaxed) }
        state.value.controlPage.value.enter(.stopping, cause)
        return takeBack() ? cause : .coreLost
    }

    /// Takes functions and memory back and clears them (law 9), once no other vCPU is in the guest. Where one may be, all
    /// stays as it is, and the partition cannot start: what is left is nobody else's to read.
    mutating func takeBack() -> Bool {
        let state = partition
        isClean = false
        if let lost = state.value.firstActive(but: core.value.vcpu) {
            core.value.recordLoss(of: lost)
            return false
        }
        // Whoever held it is gone, and why the guest ended is known: what comes now has causes of its own.
        state.value.releaseLock()
        state.value.controlPage.value.isMissed.store(false, ordering: .relaxed)
        state.value.endCause.store(0, ordering: .relaxed)
        for vcpu in 0..<state.value.vcpuCount {
            state.value.signals[vcpu].startUp.store(0, ordering: .relaxed)
            state.value.signals[vcpu].nmi.store(false, ordering: .relaxed)
            state.value.signals[vcpu].pausedAt.store(0, ordering: .relaxed)
        }
        state.value.legacyDevices = LegacyDevices(state.value.platform)
        state.value.setLocked(false)
        state.value.watch = WatchState()
        state.value.controlPage.value.watch.store(context.isWatched ? 1 : 0, ordering: .relaxed)
        state.value.functions?.value.lostReader = state.value.controlPage.consoleOut.noted
        // The other ends see that the driver is gone.
        guard context.startModel() else { return false }
        state.value.functions?.value.clearWires(state.value.controlPage)
        // What was typed for this guest is not the next one's.
        state.value.controlPage.consoleIn.clear()
        state.value.controlPage.clearGap()
        for vcpu in 0..<state.value.vcpuCount where state.value.nested[vcpu].unclaimed != 0 {
            unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(state.value.nested[vcpu].unclaimed)), 4096)
        }
        if context.isWatched {
            unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(state.value.watched.standIns)), 8192)
        }
        resetFunctions(keepsPhysical: !hasRun && functionState != .lost)
        guard renewMemory() else { return false }
        isClean = true
        return true
    }

    mutating func forEachPiece(_ change: (UInt64, UInt64) -> Void) {
        let base = partition.value.memory.base, size = partition.value.memory.size
        // Pieces of 128 KiB take some 10,000 instructions each, and 65 microseconds where memory takes 2 GB a second.
        var done: UInt64 = 0
        while done < size {
            let piece = min(size - done, 128 << 10)
            change(base + done, piece)
            done += piece
            // The functions are reset: who waits for that need not wait for the memory.
            mustStandStill()
            openWindow()
        }
    }

    /// What comes after an end, by the manifest's policy, and why.
    private mutating func applyLifecyclePolicy(
        _ cause: StateCause, _ delay: inout RestartDelay
    ) -> (start: Bool, cause: StateCause) {
        let controlPage = partition.value.controlPage
        let request = controlPage.value.takeRequest()
        // A manager's request that came while the guest ended by itself counts, unless nothing of it can be done.
        let cause = (request == .stop || request == .restart) && isClean ? .manager : cause
        let action: LifecycleAction
        switch cause {
        case .manager: action = request == .restart ? .restart : .stop
        case .poweroff: action = partition.value.spec.onPoweroff
        case .reboot: action = partition.value.spec.onReboot
        // What a core does not hold now, it does not hold at the next start.
        case .badImage, .coreLost, .hypervisorFault: action = .stop
        case .physicalFunction: action = .restart
        case .attack: action = partition.value.spec.watch.response == .restart ? .restart : .stop
        default: action = partition.value.spec.onCrash
        }
        var reason = cause
        if case .restart = action {
            let milliseconds = cpu_rdtsc() / UInt64(partition.value.platform.tscKHz)
            // What others make it do is not the guest's fault.
            if cause == .manager || cause == .physicalFunction
                || delay.mayRestart(partition.value.spec.restartLimit, now: milliseconds)
            {
                return (true, cause)
            }
            reason = .restartLimit
        }
        switch cause {
        case .manager, .poweroff, .reboot: controlPage.value.enter(.stopped, reason)
        default: controlPage.value.enter(.crashed, reason)
        }
        return (false, cause)
    }
}
