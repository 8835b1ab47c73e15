import Platform

// Registers that the hypervisor emulates: configuration space in memory, and pages with MSI-X tables or legacy support.
extension ExitContext {
    /// Lets the instruction run with what the partition's functions say at `address`. False when it is none of theirs.
    mutating func beginTrappedAccess(at address: UInt64, _ isWrite: Bool) -> Bool {
        guard let functions = partition.value.functions, functions.value.guest.traps(address) else { return false }
        cpu.singleStep()
        partition.value.takeLock(core.value.vcpu)
        trappedAccess.begin(at: address, isWrite, page: cpu.nested.unclaimed) {
            let window = FunctionWindow(functions: functions)
            return functions.value.guest.access(memory: $0, size: 4, value: nil, on: window) ?? .max
        }
        partition.value.releaseLock()
        return true
    }

    /// The instruction is through: what it has written takes effect.
    mutating func endTrappedAccess() {
        guard let functions = partition.value.functions else { return }
        partition.value.takeLock(core.value.vcpu)
        let hasWritten = trappedAccess.end(page: cpu.nested.unclaimed) {
            let window = FunctionWindow(functions: functions)
            _ = functions.value.guest.access(memory: $0, size: 4, value: $1, on: window)
        }
        sendInterrupts(functions)
        partition.value.releaseLock()
        // As behind a write by the ports: see `accessConfiguration`.
        if hasWritten { serveVirtio(functions) }
    }
}
