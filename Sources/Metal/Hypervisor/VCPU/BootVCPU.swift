import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text

extension VCPURunner {
    /// Loads, runs and ends the guest, again and again, as the manifest and managers say.
    mutating func runBootVCPU(start: Bool, recovering: Bool) -> Never {
        var starting = start
        var cause = StateCause.manifest
        if recovering {
            let found = partition.value.endCause.load(ordering: .sequentiallyConsistent)
            let isSilicon = found == UInt32(StateCause.machineCheck.rawValue) + 1
            let end = isSilicon ? StateCause.machineCheck : .hypervisorFault
            teardown(end)
            scrubCore()
            partition.value.controlPage.value.enter(.crashed, end)
            cause = .manager
        } else {
            resetFunctions(isFirst: true)
            clearMemory()
        }
        while true {
            while !starting {
                switch partition.value.controlPage.value.takeRequest() {
                case .start, .restart:
                    starting = true
                    cause = .manager
                default: idle()
                }
            }
            partition.value.controlPage.value.enter(.starting, cause)
            let end = runOnce()
            teardown(end)
            scrubCore()
            (starting, cause) = applyLifecyclePolicy(end)
        }
    }

    /// Runs the loader and then the guest until it ends; gives the cause. A frame of its own on the stack: see `scrubCore`.
    @inline(never)
    private mutating func runOnce() -> StateCause {
        context.placeLoader()
        prepareCore()
        context.cpu.resetToLoader()
        partition.value.endCause.store(0, ordering: .relaxed)
        partition.value.controlPage.value.loads.add(1, ordering: .relaxed)
        partition.value.clockLag.store(0, ordering: .relaxed)
        partition.value.order.store(VCPUOrder.run, ordering: .sequentiallyConsistent)
        if case .end(let cause) = runGuest() { return cause }
        return .reboot  // an INIT of the first vCPU restarts the machine as silicon would
    }

    /// Stops every other vCPU, then takes the memory back and clears it (law 9).
    private mutating func teardown(_ cause: StateCause) {
        let state = partition, own = core.value.vcpu
        state.value.order.store(VCPUOrder.stop, ordering: .sequentiallyConsistent)
        state.value.kick(allBut: own)
        // What ends in its loader was a start too, unless nothing of its image ran: a loop of resets shows.
        if context.cpu.isLoading, cause != .badImage { state.value.controlPage.value.starts.add(1, ordering: .relaxed) }
        state.value.controlPage.value.enter(.stopping, cause)
        for vcpu in 0..<state.value.vcpuCount where vcpu != own {
            while state.value.signals[vcpu].isActive.load(ordering: .sequentiallyConsistent) { cpu_pause() }
        }
        for vcpu in 0..<state.value.vcpuCount {
            state.value.signals[vcpu].startUp.store(0, ordering: .relaxed)
            state.value.signals[vcpu].nmi.store(false, ordering: .relaxed)
            state.value.signals[vcpu].pausedAt.store(0, ordering: .relaxed)
        }
        state.value.legacyDevices = LegacyDevices(state.value.platform)
        // What was typed for this guest is not the next one's.
        while state.value.controlPage.value.consoleIn.peek() != nil {
            state.value.controlPage.value.consoleIn.removeFirst()
        }
        for vcpu in 0..<state.value.vcpuCount where state.value.nested[vcpu].unclaimed != 0 {
            unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(state.value.nested[vcpu].unclaimed)), 4096)
        }
        resetFunctions(isFirst: false)
        clearMemory()
    }

    /// Takes the functions out of the last guest's hands, before its memory is cleared: from here on none of them writes.
    private mutating func resetFunctions(isFirst: Bool) {
        guard let functions = partition.value.functions else { return }
        if let lost = functions.value.reset(
            isFirst: isFirst, ticksPerMillisecond: UInt64(partition.value.platform.tscKHz))
        {
            var line = LogLine("bulkhead: partition ")
            line.write(partition.value.spec.name)
            line.write(": a PCI function did not come back from its reset, requester id ")
            line.write(hexadecimal: UInt64(lost))
            partition.value.controlPage.value.print(line)
        }
        functions.value.guest.reset(on: FunctionWindow(functions: functions))
    }

    private mutating func clearMemory() {
        let base = UInt(partition.value.memory.base), size = partition.value.memory.size
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: base), size)
    }

    /// What comes after an end, by the manifest's policy, and why.
    private mutating func applyLifecyclePolicy(_ cause: StateCause) -> (start: Bool, cause: StateCause) {
        let controlPage = partition.value.controlPage
        let request = controlPage.value.takeRequest()
        // A manager's request that came while the guest ended by itself counts.
        let cause = request == .stop || request == .restart ? .manager : cause
        let action: LifecycleAction
        switch cause {
        case .manager: action = request == .restart ? .restart : .stop
        case .poweroff: action = partition.value.spec.onPoweroff
        case .reboot: action = partition.value.spec.onReboot
        // What a core does not hold now, it does not hold at the next start.
        case .badImage, .hypervisorFault: action = .stop
        default: action = partition.value.spec.onCrash
        }
        if case .restart = action { return (true, cause) }
        switch cause {
        case .manager, .poweroff, .reboot: controlPage.value.enter(.stopped, cause)
        default: controlPage.value.enter(.crashed, cause)
        }
        return (false, cause)
    }
}
