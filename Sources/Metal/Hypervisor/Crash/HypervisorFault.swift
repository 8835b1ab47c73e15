import Control
import Manifest
import Platform
import Records
import Silicon
import Synchronization
import Text
import X86

/// Where every exception of the hypervisor itself ends (law 8): it is recorded and named, and the partition of this core is
/// stopped. The other partitions do not notice. A double fault comes here on one page of stack.
@c(hypervisor_fault)
func hypervisorFault(_ frame: UnsafePointer<exception_frame>) {
    // It stays where it is until the core starts anew.
    let fault = Pointer<exception_frame>(at: UInt64(UInt(bitPattern: frame)))
    let isMachineCheck = fault.value.vector == UInt64(Vector.machineCheck)
    if isMachineCheck, MachineCheck.isBearable(CoreState.own?.value.partition) { return }
    guard let core = CoreState.own else {
        CrashRegion.recordBootFault(fault)
        SerialPort.log.print(describe(fault, nil))
        while true { cpu_hlt() }
    }
    core.value.program.vendor.disableGlobalInterrupts()
    core.value.faultDepth += 1
    // What faults while a fault is reported is reported no more, and the partition ends; what faults then, the core does.
    if core.value.faultDepth == 1 {
        core.value.recordCrash(.hypervisorFault, frame: fault)
        report(fault, core)
    }
    if core.value.faultDepth < 3 { core.value.leaveGuest(isMachineCheck ? .machineCheck : .hypervisorFault) }
    while true { openWindow() }
}

extension CoreState {
    /// Abandons what this core is doing: its guest ends, and it begins anew. Comes back where it has no partition.
    func leaveGuest(_ cause: StateCause) {
        guard let partition else { return }
        // A lock that this core held; another's it leaves alone.
        _ = partition.value.lock.compareExchange(expected: vcpu + 1, desired: 0, ordering: .releasing)
        partition.value.requestEnd(cause)
        LocalAPIC.kick(partition.value.platform.apicIDs[0])
        // It may have been writing what is mapped read-only.
        cpu_write_cr0(cpu_read_cr0() | CR0.writeProtect)
        core_restart(layout.stackTop, layout.base, coreRecover)
    }
}

@inline(never)
private func report(_ fault: Pointer<exception_frame>, _ core: Pointer<CoreState>) {
    guard let partition = core.value.partition else { return SerialPort.log.print(describe(fault, core)) }
    partition.value.controlPage.print(describe(fault, core))
    partition.value.controlPage.value.recordFault(
        vcpu: core.value.vcpu, code: fault.value.vector, address: fault.value.rip &- image_address())
}

@inline(never)
private func describe(_ fault: Pointer<exception_frame>, _ core: Pointer<CoreState>?) -> LogLine {
    var line = LogLine("bulkhead: fault in the hypervisor: ")
    if let core {
        line.write("core %d", UInt64(core.value.index))
        if let partition = core.value.partition {
            line.write(", partition ")
            line.write(partition.value.spec.name)
        }
    } else {
        line.write("boot")
    }
    let offset = fault.value.rip &- image_address()
    line.write(", vector %d, error %x, at image+%x", fault.value.vector, fault.value.error, offset)
    if let symbols = core?.value.program.symbols {
        line.write(" (")
        let into = symbols.find(UInt32(truncatingIfNeeded: offset), limit: 80) { line.put($0) }
        line.write("+%x)", UInt64(into ?? 0))
    }
    if let core, core.value.program.isErased(fault.value.rip) {
        line.write(", which Tools/text-order took for boot code")
    }
    if fault.value.vector == UInt64(Vector.pageFault) { line.write(", address %x", cpu_read_cr2()) }
    return line
}
