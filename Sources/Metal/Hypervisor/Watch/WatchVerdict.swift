import Control
import Manifest
import Platform
import Records
import Silicon
import Synchronization
import Text
import Watch

extension ExitContext {
    /// Whether what breaks a rule takes place all the same. It is told; what has to follow is in `watch.next`.
    /// - Parameter address: guest-physical, or a register's new value.
    @inline(never)
    mutating func allows(_ rule: WatchRule, _ address: UInt64, old: UInt64 = 0, new: UInt64 = 0) -> Bool {
        let state = partition, page = partition.value.controlPage
        let started = page.value.latestEntry.load(ordering: .relaxed)
        let seconds = (cpu_rdtsc() &- started) / (UInt64(state.value.platform.tscKHz) * 1000)
        let response = state.value.spec.watch.response(to: rule, after: seconds)
        let count = state.value.watch.verdicts.add(1, ordering: .relaxed).newValue
        page.value.countVerdicts(count)
        let rip = watch.rip
        if count <= WatchState.maxTold || count & (count - 1) == 0 {
            let code = UInt64(rule.rawValue) | UInt64(response.rawValue) << 8
            page.value.recordVerdict(vcpu: core.value.vcpu, code: code, address: address)
            var line = LogLine(
                partition: state.value.spec.name, ", vCPU %d: an attack on its kernel: ", UInt64(core.value.vcpu))
            line.write("rule %d, response %d", UInt64(rule.rawValue), UInt64(response.rawValue))
            line.write(", %x at %x", address, rip)
            page.print(line)
        }
        switch response {
        case .off, .report: return true
        case .refuse: break
        case .freeze:
            core.value.recordVerdict(rule, at: rip, address, old: old, new: new)
            state.value.watch.isFrozen.store(true, ordering: .sequentiallyConsistent)
            watch.next = .handleKick
            LocalAPIC.kick(state.value.platform.apicIDs[0])
        case .kill, .restart:
            core.value.recordVerdict(rule, at: rip, address, old: old, new: new)
            watch.next = .end(.attack)
        }
        return false
    }
}

extension CoreState {
    /// What breaks which rule where, with the registers of the guest that did it.
    fileprivate mutating func recordVerdict(
        _ rule: WatchRule, at rip: UInt64, _ address: UInt64, old: UInt64, new: UInt64
    ) {
        guard let partition,
            let record = program.crash.begin(.attack, vector: UInt64(rule.rawValue), core: index, vcpu: vcpu)
        else { return }
        record.value.setPartition(partition.value.spec.name)
        program.vendor.record(guestOf: layout, in: &record.value)
        exitHistory.write(to: &record.value)
        record.value[.guestRIP] = rip
        record.value[.detail] = address
        record.value[.registers, 0] = old
        record.value[.registers, 1] = new
        record.value.seal()
    }
}

extension VCPURunner {
    /// Whether a verdict wants the guest to stand still, and it does now or is about to.
    mutating func isFreezing() -> Bool {
        let state = partition
        guard state.value.watch.isFrozen.load(ordering: .sequentiallyConsistent) else { return false }
        guard core.value.vcpu == 0 else {
            Extension.idle(core.value.layout, interruptible: false)
            return true
        }
        state.value.order.store(VCPUOrder.pause, ordering: .sequentiallyConsistent)
        state.value.watch.isFrozen.store(false, ordering: .sequentiallyConsistent)
        state.value.controlPage.value.enter(.paused, .attack)
        state.value.kick(allBut: 0)
        return true
    }
}
