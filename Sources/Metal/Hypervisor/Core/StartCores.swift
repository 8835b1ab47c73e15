import Manifest
import Silicon
import Synchronization
import Text
import X86

extension BuiltMachine {
    /// Starts every core that the manifest names, and becomes one of them (or sleeps, where it names this one for
    /// nothing).
    consuming func start(_ program: ProgramMemory) -> Never {
        LocalAPIC.enable()
        copyStartUpCode(program)
        for index in 0..<tables.processorCount where coreStates[index] != 0 && tables.apicIDs[index] != LocalAPIC.id {
            startCore(index, program)
        }
        Chipset.routeLink(tables, interrupts.linkEntry)
        plan.machine.iommu?.reportFaults(to: tables.apicIDs[manifest.housekeeping], tables.bus)
        var program = program
        var built = self
        withAddress(of: &built) { built in withAddress(of: &program) { leave_boot(built, $0) } }
    }

    private func copyStartUpCode(_ program: ProgramMemory) {
        let size = start_up_code_size()
        for i in 0..<size { store(load(start_up_code_address() + i, as: UInt8.self), program.startUpPage + i) }
    }

    /// INIT, then start-up IPIs until the core answers (Intel SDM volume 3, section 9.4.4.1; AMD alike). All of it again,
    /// with longer waits, for 6.4 s in all: an emulated core runs when its host has time for it, while the TSC goes on.
    private func startCore(_ index: Int, _ program: ProgramMemory) {
        let state = Pointer<CoreState>(at: coreStates[index])
        let parameters = program.startUpPage + start_up_code_size() - UInt64(MemoryLayout<start_up_parameters>.size)
        let entry = unsafe unsafeBitCast(coreMain as @convention(c) (UInt64) -> Void, to: UInt64.self)
        store(
            start_up_parameters(
                cr3: pageTables[index], stack: state.value.layout.stackTop, argument: state.value.layout.base,
                entry: entry),
            parameters)
        func isStarted() -> Bool { state.value.isStarted.load(ordering: .acquiring) }
        for attempt in 0..<6 where !isStarted() {
            LocalAPIC.sendINIT(tables.apicIDs[index])
            wait(milliseconds: 10, until: isStarted)
            for _ in 0..<2 where !isStarted() {
                LocalAPIC.sendStartUp(tables.apicIDs[index], page: program.startUpPage)
                wait(milliseconds: 50 << attempt, until: isStarted)
            }
        }
        if !isStarted() {
            var line = LogLine("bulkhead: core ")
            line.write(decimal: UInt64(index))
            line.write(" does not start; its partition stays without it")
            // Should it come after all, it would find the next core's parameters.
            LocalAPIC.sendINIT(tables.apicIDs[index])
            SerialPort.log.print(line)
        }
    }

    private func wait(milliseconds: UInt64, until isDone: () -> Bool) {
        let end = cpu_rdtsc() + milliseconds * plan.machine.tscKHz
        while !isDone() && cpu_rdtsc() < end { cpu_pause() }
    }
}

/// Where every core lands on its own page tables and stack; never returns.
@c(core_main)
func coreMain(_ address: UInt64) {
    let state = Pointer<CoreState>(at: address)
    do throws(Refusal) { try state.value.prepareProcessor() } catch {
        var line = LogLine("bulkhead: core ")
        line.write(decimal: UInt64(state.value.index))
        line.write(": ")
        error.describe(to: &line)
        SerialPort.log.print(line)
        while true { cpu_hlt() }
    }
    state.value.isStarted.store(true, ordering: .releasing)
    while !state.value.mayRun.load(ordering: .acquiring) { cpu_pause() }
    state.value.program.vendor.run(state, recovering: false)
}

/// Where a core goes on after a fault of its instance of the hypervisor.
@c(core_recover)
func coreRecover(_ address: UInt64) {
    let state = Pointer<CoreState>(at: address)
    state.value.program.vendor.run(state, recovering: true)
}

extension CoreState {
    /// Takes interrupts, the local APIC and root mode.
    func prepareProcessor() throws(Refusal) {
        let descriptors = Descriptors(base: layout.descriptors)
        descriptors.fill(doubleFaultStack: layout.doubleFaultStackTop)
        descriptors.activate()
        program.interrupts.activate()
        if cpu_rdmsr(MSR.apicBase) & 1 << 10 == 0 { LocalAPIC.enable() }
        cpu_write_cr0(Self.cr0)
        cpu_write_cr4(Self.cr4)
        try program.vendor.enable(layout)
        let report = checkProcessor()
        if report.failed != 0 {
            throw Refusal("the core does not hold what was written, items ", number: UInt64(report.failed))
        }
    }
}
