import Platform

// Registers that the hypervisor emulates: configuration space in memory, and pages with MSI-X tables or legacy support.
extension ExitContext {
    /// Lets the instruction run with what the partition's functions say at `address`. False when it is none of theirs.
    mutating func beginTrappedAccess(at address: UInt64, _ isWrite: Bool) -> Bool {
        guard let functions = partition.value.functions, functions.value.guest.traps(address) else { return false }
        cpu.singleStep()
        var access = trappedAccess
        access.begin(at: address, isWrite, page: cpu.nested.unclaimed) { self.access(functions, $0, nil) }
        trappedAccess = access
        return true
    }

    /// The instruction is through: what it has written takes effect.
    mutating func endTrappedAccess() {
        guard let functions = partition.value.functions else { return }
        var access = trappedAccess
        access.end(page: cpu.nested.unclaimed) { _ = self.access(functions, $0, $1) }
        trappedAccess = access
    }

    /// One double word of what `traps` names.
    private mutating func access(
        _ functions: Pointer<PartitionFunctions>, _ address: UInt64, _ value: UInt64?
    ) -> UInt64 {
        if let call = functions.value.guest.call(memory: address, size: 4, value: value) { return askModel(call) }
        partition.value.takeLock(core.value.vcpu)
        defer { partition.value.releaseLock() }
        let window = FunctionWindow(functions: functions)
        return functions.value.guest.access(memory: address, size: 4, value: value, on: window) ?? .max
    }
}
