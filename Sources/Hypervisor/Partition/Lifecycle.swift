import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

/// What an exit handler decides.
enum Next {
    case resume
    /// This vCPU waits for a start-up IPI again.
    case park
    /// The guest ends.
    case end(StateCause)
}

/// The life of one partition's core, from boot on; never returns.
struct Lifecycle<CPU: VirtualCPU> {
    let partition: Shared<PartitionContext>
    var cpu: CPU

    // MARK: The lead core

    /// Loads, runs and ends the guest, again and again, as the manifest and managers say.
    mutating func lead(_ core: inout CoreState, start: Bool, recovering: Bool) -> Never {
        var starting = start
        var cause = StateCause.manifest
        if recovering {
            teardown(core, .hypervisorFault)
            partition.value.board.value.enter(.crashed, .hypervisorFault)
            cause = .manager
        } else {
            clearMemory()
        }
        while true {
            while !starting {
                switch partition.value.board.value.request.exchange(Request.none, ordering: .sequentiallyConsistent) {
                case Request.start, Request.restart:
                    starting = true
                    cause = .manager
                default: rest(core)
                }
            }
            partition.value.board.value.enter(.starting, cause)
            let end = runOnce(&core, cause)
            teardown(core, end)
            (starting, cause) = follow(end)
        }
    }

    /// Loads the image and runs the guest until it ends; gives the cause.
    private mutating func runOnce(_ core: inout CoreState, _ cause: StateCause) -> StateCause {
        do {
            let entry = try loadImage()
            prepareCore(&core)
            cpu.reset(to: entry)
        } catch {
            var line = Line("bulkhead: partition ")
            line.write(partition.value.spec.name)
            line.write(": ")
            line.write(error.reason)
            partition.value.board.value.post(line)
            return .badImage
        }
        let now = cpu_rdtsc()
        partition.value.board.value.starts.add(1, ordering: .relaxed)
        partition.value.board.value.latestEntry.store(now, ordering: .releasing)
        _ = partition.value.board.value.firstEntry.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        partition.value.verdict.store(0, ordering: .relaxed)
        partition.value.clockLag.store(0, ordering: .relaxed)
        partition.value.gate.store(Gate.open, ordering: .sequentiallyConsistent)
        partition.value.board.value.enter(.running, cause)
        while true {
            switch runGuest(&core) {
            case .end(let cause): return cause
            case .park: return .reboot  // an INIT of the first vCPU restarts the machine as silicon would
            case .resume: continue
            }
        }
    }

    private borrowing func loadImage() throws(LoadError) -> GuestEntry {
        let state = partition
        let kernel = state.value.kernel, initrd = state.value.initrd, commandLine = state.value.spec.commandLine
        return try unsafe loadGuest(
            kernel: bytes(kernel.address, kernel.size),
            initrd: initrd.size > 0 ? bytes(initrd.address, initrd.size) : nil,
            commandLine: commandLine.span, platform: state.value.platform,
            memory: state.value.guestMemory)
    }

    /// Stops every other vCPU, then takes the memory back and clears it (law 9).
    private func teardown(_ core: borrowing CoreState, _ cause: StateCause) {
        let state = partition
        state.value.gate.store(Gate.closed, ordering: .sequentiallyConsistent)
        state.value.kick(allBut: core.vcpu)
        state.value.board.value.enter(.stopping, cause)
        for vcpu in 0..<state.value.vcpuCount where vcpu != core.vcpu {
            while state.value.mail[vcpu].isActive.load(ordering: .sequentiallyConsistent) { cpu_pause() }
        }
        for vcpu in 0..<state.value.vcpuCount {
            state.value.mail[vcpu].startUp.store(0, ordering: .relaxed)
            state.value.mail[vcpu].nmi.store(false, ordering: .relaxed)
            state.value.mail[vcpu].stoodAt.store(0, ordering: .relaxed)
        }
        state.value.devices = PlatformDevices(state.value.platform)
        clearMemory()
    }

    private func clearMemory() {
        let base = UInt(partition.value.memory.base), size = partition.value.memory.size
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: base), size)
    }

    /// What comes after an end, by the manifest's policy.
    private func follow(_ cause: StateCause) -> (start: Bool, cause: StateCause) {
        let board = partition.value.board
        let request = board.value.request.exchange(Request.none, ordering: .sequentiallyConsistent)
        // A manager's word that came while the guest ended by itself counts.
        let cause = request == Request.stop || request == Request.restart ? .manager : cause
        let action: LifecycleAction
        switch cause {
        case .manager: action = request == Request.restart ? .restart : .stop
        case .poweroff: action = partition.value.spec.onPoweroff
        case .reboot: action = partition.value.spec.onReboot
        case .badImage: action = .stop
        default: action = partition.value.spec.onCrash
        }
        if case .restart = action { return (true, cause) }
        switch cause {
        case .manager, .poweroff, .reboot: board.value.enter(.stopped, cause)
        default: board.value.enter(.crashed, cause)
        }
        return (false, cause)
    }

    // MARK: The other cores

    /// Waits for start-up IPIs and runs the vCPU, again and again.
    mutating func follow(_ core: inout CoreState) -> Never {
        while true {
            partition.value.mail[core.vcpu].isActive.store(false, ordering: .sequentiallyConsistent)
            let mail = partition.value.mail[core.vcpu].startUp.load(ordering: .sequentiallyConsistent)
            guard mail & 0x100 != 0, partition.value.gate.load(ordering: .relaxed) == Gate.open else {
                rest(core)
                continue
            }
            partition.value.mail[core.vcpu].isActive.store(true, ordering: .sequentiallyConsistent)
            // The lead core closes the gate first and looks at isActive then: one of both sees the other.
            guard partition.value.gate.load(ordering: .sequentiallyConsistent) != Gate.closed else { continue }
            // An INIT that has just come stays.
            _ = partition.value.mail[core.vcpu].startUp.compareExchange(
                expected: mail, desired: 0, ordering: .sequentiallyConsistent)
            prepareCore(&core)
            cpu.reset(startUp: UInt8(truncatingIfNeeded: mail))
            run: while true {
                switch runGuest(&core) {
                case .resume: continue
                case .park: break run
                case .end(let cause):
                    partition.value.condemn(cause)
                    LocalAPIC.kick(partition.value.platform.apicIDs[0])
                    break run
                }
            }
        }
    }

    // MARK: Both

    /// Runs the guest until something else than an ordinary exit is due.
    private mutating func runGuest(_ core: inout CoreState) -> Next {
        // A kick may have come while the core took interrupts to be rid of them; from here on none goes unnoticed.
        switch attend(&core) {
        case .resume: break
        case let other: return other
        }
        while true {
            let exit = cpu.run()
            switch handle(exit, &core) {
            case .resume: continue
            case let other: return other
            }
        }
    }

    /// After a kick: what the gate, the mail and, on the lead core, managers say. Holds a paused vCPU here.
    mutating func attend(_ core: inout CoreState) -> Next {
        while true {
            core.housekeeping?.value.serve()
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

    private func takeRequest(_ core: borrowing CoreState) -> Next {
        let board = partition.value.board
        let verdict = partition.value.verdict.load(ordering: .sequentiallyConsistent)
        if verdict != 0 { return .end(StateCause(rawValue: UInt8(truncatingIfNeeded: verdict - 1)) ?? .violation) }
        switch board.value.request.load(ordering: .sequentiallyConsistent) {
        case Request.stop, Request.restart: return .end(.manager)
        case Request.pause:
            partition.value.gate.store(Gate.paused, ordering: .sequentiallyConsistent)
            board.value.enter(.paused, .manager)
        case Request.resume:
            partition.value.resumeClock()
            partition.value.gate.store(Gate.open, ordering: .sequentiallyConsistent)
            board.value.enter(.running, .manager)
        case Request.none: return .resume
        default: break  // to start what runs: done, and the next request may come
        }
        board.value.request.store(Request.none, ordering: .sequentiallyConsistent)
        partition.value.kick(allBut: core.vcpu)
        return .resume
    }

    private mutating func takeMail(_ core: borrowing CoreState) -> Next {
        if partition.value.mail[core.vcpu].startUp.load(ordering: .relaxed) != 0 { return .park }
        if partition.value.mail[core.vcpu].nmi.exchange(false, ordering: .relaxed) { cpu.injectNMI() }
        return .resume
    }

    /// Sleeps until a kick; what came with it the caller looks up.
    private func rest(_ core: borrowing CoreState) {
        core.housekeeping?.value.serve()
        CPU.idle(core.layout)
    }

    /// The core as a guest may find it: nothing of its predecessor in registers that VMRUN does not load.
    private func prepareCore(_ core: inout CoreState) {
        let hasXSAVE = cpu_read_cr4() & CR4.osXSAVE != 0
        if hasXSAVE {
            // Every component that the processor has, whichever the guest had enabled last (CPUID leaf 0Dh).
            let all = cpu_cpuid(0xD, 0)
            cpu_xsetbv(0, UInt64(all.edx) << 32 | UInt64(all.eax))
        }
        clear_vector_state()
        if hasXSAVE { cpu_xsetbv(0, 1) }
        LocalAPIC.reset(CPU.self)
        core.clock = KVMClock(partition.value.platform)
        // Guests write these without an exit, and no control block holds them; XSS exists with XSAVES alone (CPUID leaf
        // 0Dh), SPEC_CTRL with IBRS or STIBP or SSBD (80000008h EBX).
        cpu_wrmsr(MSR.tscAux, 0)
        if cpu_read_cr4() & CR4.osXSAVE != 0, cpu_cpuid(0xD, 1).eax & 1 << 3 != 0 { cpu_wrmsr(MSR.xss, 0) }
        if cpu_cpuid(0x8000_0008, 0).ebx & (1 << 14 | 1 << 15 | 1 << 24) != 0 { cpu_wrmsr(MSR.speculationControl, 0) }
    }
}
