import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text

/// What an exit handler decides.
enum ExitOutcome {
    case resume
    /// This vCPU waits for a start-up IPI again.
    case park
    /// The guest ends.
    case end(StateCause)
}

/// The life of one partition's core, from boot on; never returns.
struct Lifecycle<CPU: VirtualCPU> {
    let partition: Pointer<PartitionContext>
    var cpu: CPU
    var trappedAccess = TrappedAccess()

    /// Loads, runs and ends the guest, again and again, as the manifest and managers say.
    mutating func lead(_ core: inout CoreState, start: Bool, recovering: Bool) -> Never {
        var starting = start
        var cause = StateCause.manifest
        if recovering {
            let verdict = partition.value.verdict.load(ordering: .sequentiallyConsistent)
            let isSilicon = verdict == UInt32(StateCause.machineCheck.rawValue) + 1
            let end = isSilicon ? StateCause.machineCheck : .hypervisorFault
            teardown(core, end)
            forget(&core)
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
                default: rest(core)
                }
            }
            partition.value.controlPage.value.enter(.starting, cause)
            let end = runOnce(&core)
            teardown(core, end)
            forget(&core)
            (starting, cause) = follow(end)
        }
    }

    /// Runs the loader and then the guest until it ends; gives the cause. A frame of its own on the stack: see `forget`.
    @inline(never)
    private mutating func runOnce(_ core: inout CoreState) -> StateCause {
        placeLoader()
        prepareCore(&core)
        cpu.resetToLoader()
        partition.value.verdict.store(0, ordering: .relaxed)
        partition.value.clockLag.store(0, ordering: .relaxed)
        partition.value.gate.store(Gate.open, ordering: .sequentiallyConsistent)
        while true {
            switch runGuest(&core) {
            case .end(let cause): return cause
            case .park: return .reboot  // an INIT of the first vCPU restarts the machine as silicon would
            case .resume: continue
            }
        }
    }

    /// Stops every other vCPU, then takes the memory back and clears it (law 9).
    private func teardown(_ core: borrowing CoreState, _ cause: StateCause) {
        let state = partition
        state.value.gate.store(Gate.closed, ordering: .sequentiallyConsistent)
        state.value.kick(allBut: core.vcpu)
        state.value.controlPage.value.enter(.stopping, cause)
        for vcpu in 0..<state.value.vcpuCount where vcpu != core.vcpu {
            while state.value.mail[vcpu].isActive.load(ordering: .sequentiallyConsistent) { cpu_pause() }
        }
        for vcpu in 0..<state.value.vcpuCount {
            state.value.mail[vcpu].startUp.store(0, ordering: .relaxed)
            state.value.mail[vcpu].nmi.store(false, ordering: .relaxed)
            state.value.mail[vcpu].stoodAt.store(0, ordering: .relaxed)
        }
        state.value.devices = PlatformDevices(state.value.platform)
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
    private func resetFunctions(isFirst: Bool) {
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

    private func clearMemory() {
        let base = UInt(partition.value.memory.base), size = partition.value.memory.size
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: base), size)
    }

    /// What comes after an end, by the manifest's policy.
    private func follow(_ cause: StateCause) -> (start: Bool, cause: StateCause) {
        let controlPage = partition.value.controlPage
        let request = controlPage.value.takeRequest()
        // A manager's word that came while the guest ended by itself counts.
        let cause = request == .stop || request == .restart ? .manager : cause
        let action: LifecycleAction
        switch cause {
        case .manager: action = request == .restart ? .restart : .stop
        case .poweroff: action = partition.value.spec.onPoweroff
        case .reboot: action = partition.value.spec.onReboot
        case .badImage: action = .stop
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
