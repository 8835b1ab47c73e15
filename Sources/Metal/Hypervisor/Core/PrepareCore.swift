import Resources
import Silicon
import Synchronization
import Text
import X86

/// Where every core lands on its own page tables and stack; never returns.
@c(core_main)
func coreMain(_ address: UInt64) {
    let state = CoreLayout(base: address).state
    do throws(Refusal) { try state.value.prepareProcessor() } catch {
        var line = LogLine("bulkhead: core %d: ", UInt64(state.value.index))
        error.describe(to: &line)
        SerialPort.log.print(line)
        while true { cpu_hlt() }
    }
    // The boot core may have given it up.
    if state.value.isStarted.exchange(true, ordering: .acquiringAndReleasing) { while true { cpu_hlt() } }
    // For the boot core, whose own waits have limits. Nothing is held back meanwhile: firmware's SMIs are taken.
    while !state.value.mayRun.load(ordering: .acquiring) { cpu_pause() }
    state.value.program.vendor.disableGlobalInterrupts()
    state.value.program.vendor.run(state, recovering: false)
}

/// Where a core goes on after a fault of its instance of the hypervisor.
@c(core_recover)
func coreRecover(_ address: UInt64) {
    let state = CoreLayout(base: address).state
    state.value.faultDepth = 0
    state.value.program.vendor.run(state, recovering: true)
}

extension CoreState {
    /// Takes interrupts and root mode. The local APIC is in x2APIC mode since the core has begun.
    func prepareProcessor() throws(Refusal) {
        let descriptors = Descriptors(base: layout.descriptors)
        descriptors.fill(doubleFaultStack: layout.doubleFaultStackTop)
        descriptors.activate()
        program.interrupts.activate()
        program.clock?.adopt(by: apicID, write: cpu_wrmsr)
        cpu_write_cr4(Self.cr4)
        try Errata(program.vendor).enforce()
        try program.vendor.enable(layout)
        // From here on the core writes nothing that its tables map read-only, whatever goes wrong.
        cpu_write_cr0(Self.cr0)
        guard resources.hasKey(read: cpu_rdmsr) else { throw Refusal("the core's memory encryption is another one") }
        resources.forEachSetting { cpu_wrmsr($0, $1) }
        // What others have filled stays where it is until then.
        cpu_wbinvd()
        if MachineCheck.enableBit != 0 { MachineCheckRegisters.enable(read: cpu_rdmsr, write: cpu_wrmsr) }
        let failed = UInt64(checkProcessor().failed)
        if failed != 0 { throw Refusal("the core does not hold what was written, items ", number: failed) }
    }
}
