import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text

/// A processor's place on the start-up page. It takes `block` by an exchange, once: no two processors ever begin with one
/// stack, and one that comes when the boot core has given it up finds nothing and parks (start_up.S).
private struct StartUpSlot: ~Copyable {
    let apicID: UInt32
    /// Where the core's structures lie, below 4 GiB; 1: it has none, and parks; 0: taken, or withdrawn.
    let block = Atomic<UInt32>(0)
}

extension BuiltMachine {
    /// Starts every core of the machine, and becomes one of them (or sleeps, where the manifest names this one for nothing).
    consuming func start(_ program: ProgramMemory) -> Never {
        LocalAPIC.enable()
        let timerKHz = ClockRate.timerKHz(tscKHz: plan.machine.tscKHz)
        for index in 0..<tables.processorCount where coreStates[index] != 0 {
            CoreLayout(base: coreStates[index]).state.value.cpuid.apicTimerKHz = timerKHz
        }
        startCores(program)
        Chipset.routePorts(tables, interrupts.linkEntry)
        plan.machine.iommu?.reportFaults(to: tables.apicIDs[manifest.housekeeping], tables.bus)
        var program = program
        var built = self
        withAddress(of: &built) { built in withAddress(of: &program) { leave_boot(built, $0) } }
    }

    /// INIT, 10 ms, and up to two start-up IPIs for all that have not come (Intel SDM volume 3A, section 9.4.4.1; AMD alike),
    /// six times with longer waits, 12.7 s in all: an emulated core runs when its host has time for it, while the TSC goes
    /// on. A core for which the manifest has nothing parks in our own loop. Before an INIT its slot is withdrawn: none comes
    /// to a core that has begun, which would hold it back until a guest runs (SVM's GIF, VMX root operation).
    private func startCores(_ program: ProgramMemory) {
        let size = start_up_code_size()
        for i in 0..<size { store(load(start_up_code_address() + i, as: UInt8.self), program.startUpPage + i) }
        let slots = program.startUpPage + UInt64(START_UP_SLOTS_AT)
        func slot(_ index: Int) -> Pointer<StartUpSlot> { Pointer(at: slots + UInt64(index) * 8) }
        func isOffered(_ index: Int) -> Bool { slot(index).value.block.load(ordering: .acquiring) != 0 }
        var isMissing: [64 of Bool] = .init(repeating: false)
        for index in 0..<tables.processorCount {
            isMissing[index] = tables.apicIDs[index] != LocalAPIC.id
            slot(index).initialize(to: StartUpSlot(apicID: tables.apicIDs[index]))
        }
        for attempt in 0..<6 {
            for index in 0..<64 where isMissing[index] { LocalAPIC.sendINIT(tables.apicIDs[index]) }
            wait(milliseconds: 10) { _ in true }
            for index in 0..<64 where isMissing[index] {
                let block = coreStates[index] == 0 ? 1 : UInt32(truncatingIfNeeded: coreStates[index])
                _ = slot(index).value.block.exchange(block, ordering: .sequentiallyConsistent)
            }
            for _ in 0..<2 {
                for index in 0..<tables.processorCount where isOffered(index) {
                    #if FAULT_INJECTION
                        if BootFault.isDeaf(index, attempt) { continue }
                    #endif
                    LocalAPIC.sendStartUp(tables.apicIDs[index], page: program.startUpPage)
                }
                wait(milliseconds: 100 << attempt, while: isOffered)
            }
            var count = 0
            for index in 0..<64 where isMissing[index] {
                isMissing[index] = slot(index).value.block.exchange(0, ordering: .sequentiallyConsistent) != 0
                count += isMissing[index] ? 1 : 0
            }
            if count == 0 { break }
        }
        let lost = isMissing
        func isPreparing(_ index: Int) -> Bool {
            guard coreStates[index] != 0, tables.apicIDs[index] != LocalAPIC.id, !lost[index] else { return false }
            return !CoreLayout(base: coreStates[index]).state.value.isStarted.load(ordering: .acquiring)
        }
        wait(milliseconds: 10_000, while: isPreparing)
        for index in 0..<tables.processorCount where lost[index] || isPreparing(index) {
            // One that comes just now has come, and one that comes later parks: an INIT may be held back from it.
            let state = coreStates[index]
            if state != 0, CoreLayout(base: state).state.value.isStarted.exchange(true, ordering: .acquiring) {
                continue
            }
            LocalAPIC.sendINIT(tables.apicIDs[index])
            giveUp(index)
            #if FAULT_INJECTION
                wait(milliseconds: 10) { _ in true }
                if BootFault.isDeaf(index, 6) { continue }
                LocalAPIC.sendStartUp(tables.apicIDs[index], page: program.startUpPage)
            #endif
        }
    }

    /// Waits until nothing is so of any processor, but no longer than `milliseconds`.
    private func wait(milliseconds: UInt64, while isSo: (Int) -> Bool) {
        let end = cpu_rdtsc() + milliseconds * plan.machine.tscKHz
        for index in 0..<tables.processorCount {
            while isSo(index), cpu_rdtsc() < end { cpu_pause() }
        }
    }

    /// Says that a core does not start. A partition of which it is one ends before it begins.
    private func giveUp(_ index: Int) {
        var line = LogLine("bulkhead: core %d does not start", UInt64(index))
        if index == manifest.housekeeping { line.write("; nobody answers managers") }
        SerialPort.log.print(line)
        guard coreStates[index] != 0 else { return }
        let core = CoreLayout(base: coreStates[index]).state
        guard let partition = core.value.partition else { return }
        partition.value.requestEnd(.coreLost)
        guard core.value.vcpu == 0 else { return }
        // Nobody else is there to say it.
        core.value.recordLoss(of: 0)
        partition.value.controlPage.value.lacksBootCore = 1
        partition.value.controlPage.value.enter(.crashed, .coreLost)
    }
}
