import Manifest
import Silicon
import Synchronization
import X86

/// The boot core's way from the firmware's page tables to its own. It erases boot code, and so is none itself; no guest
/// runs before.
@c(leave_boot)
func leaveBoot(_ machine: UInt64, _ program: UInt64) {
    let machine = Pointer<BuiltMachine>(at: machine)
    // Firmware may have mapped the program read-only; control-flow enforcement forbids that this is overridden.
    cpu_write_cr4(cpu_read_cr4() & ~CR4.controlFlowEnforcement)
    // The core's own constants are written next (`prepareProcessor`).
    cpu_write_cr0(cpu_read_cr0() & ~CR0.writeProtect | CR0.numericError)
    Pointer<ProgramMemory>(at: program).value.erase()
    // What firmware wrote without a memory key is in memory before anybody clears his own under one.
    cpu_wbinvd()
    var own = 0
    for index in 0..<machine.value.tables.processorCount {
        if machine.value.tables.apicIDs[index] == LocalAPIC.id { own = index }
        guard machine.value.coreStates[index] != 0 else { continue }
        CoreLayout(base: machine.value.coreStates[index]).state.value.mayRun.store(true, ordering: .releasing)
    }
    // What came over the link before its interrupt was routed rings no more.
    LocalAPIC.kick(machine.value.tables.apicIDs[machine.value.manifest.housekeeping])
    // The tables that come next use NX; what else firmware has enabled goes, as it is not on the other cores.
    cpu_wrmsr(MSR.efer, cpu_rdmsr(MSR.efer) & (EFER.longModeEnable | EFER.longModeActive) | EFER.noExecute)
    guard machine.value.coreStates[own] != 0 else {
        SerialPort.log.print(LogLine("bulkhead: the boot core has no part in the manifest; it sleeps"))
        // A machine check is borne here (`hypervisorFault`); without the bit it would shut the machine down.
        cpu_write_cr4(cpu_read_cr4() | MachineCheck.enableBit)
        while true { cpu_hlt() }
    }
    let layout = CoreLayout(base: machine.value.coreStates[own])
    core_enter(layout.state.value.header.cr3, layout.stackTop, layout.base, coreMain)
}
