import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text
import Watch
import X86

// The partition's device model (decisions/device-model.md): the program that stands for its virtio functions. It runs on the
// core that needs it, as a guest of its own, until it has done what it was asked for. It is not trusted: what it says is
// taken for numbers.
extension ExitContext {
    /// Carries out an access to a port that is the model's.
    @inline(never)
    mutating func accessModel(_ call: ModelCall, _ port: PortAccess, _ next: UInt64) -> ExitOutcome {
        if port.isString { return refuse() }
        let answer = askModel(call)
        if port.isInput { cpu.rax = port.merge(UInt32(truncatingIfNeeded: answer), into: cpu.rax) }
        cpu.finish(at: next)
        return .resume
    }

    /// Has it move what waits at its queues, as much as one exit may; the rest by a kick to the boot vCPU.
    mutating func serveModel() { _ = askModel(.serve) }

    /// Has the model carry out a call.
    /// - Returns: what is read; ones where there is no model any more.
    mutating func askModel(_ call: ModelCall) -> UInt64 {
        guard let page = partition.value.model?.page, let functions = partition.value.functions else { return .max }
        let answer = runModel(call, page, functions)
        guard answer.waits else { return answer.value }
        waitForReader(functions)
        if runModel(.serve, page, functions).waits { LocalAPIC.kick(partition.value.platform.apicIDs[0]) }
        return answer.value
    }

    /// A new model, of which no guest has asked anything: it finds that no driver is there, and says so to its wires' other ends.
    /// For the boot vCPU, while none is in the guest.
    /// - Returns: false where a machine check has kept it from that.
    mutating func startModel() -> Bool {
        guard let model = partition.value.model, let functions = partition.value.functions else { return true }
        model.renew()
        resetModelCPU()
        let control = partition.value.controlPage
        functions.value.isModelLeft = false
        unsafe cpu_zero(
            UnsafeMutableRawPointer(bitPattern: UInt(model.page.address)), UInt64(ModelMemory.frames) * 4096)
        model.page.initialize(
            to: ModelPage(
                isIntel: Extension.vendor == .intel, memory: partition.value.memory.base,
                memorySize: partition.value.memory.size, rings: control.rings,
                ticksPerSecond: UInt64(partition.value.platform.tscKHz) * 1000,
                count: functions.value.guest.modelCount, functions: functions.value.guest.model,
                counters: control.value.wires))
        isModelNew = true
        serveModel()
        isModelNew = false
        return !functions.value.isModelLeft
    }

    /// Where the next call begins: at the model's first instruction.
    mutating func resetModelCPU() {
        guard let model = partition.value.model else { return }
        modelCPU.makeCurrent()
        modelCPU.resetToModel(model.tables)
        cpu.makeCurrent()
    }

    mutating func checkModel(_ report: inout ProtectionReport) {
        guard let model = partition.value.model else { return }
        modelCPU.makeCurrent()
        modelCPU.check(&report)
        report.check(.nestedTables, modelCPU.nested.memory, is: model.nested)
        cpu.makeCurrent()
    }

    /// Whether the guest has printed on the virtio console, which is the first such function; then what is typed is its, not the UART's.
    var isConsoleLive: Bool {
        guard partition.value.spec.virtio.contains(.console), let model = partition.value.model else { return false }
        return model.page.value.live & 1 != 0
    }

    /// Waits for whoever reads the console, so that nothing is lost while they keep up; who does not move for a second is gone,
    /// and waited for again only when they come back.
    private mutating func waitForReader(_ functions: Pointer<PartitionFunctions>) {
        let output = partition.value.controlPage.consoleOut
        let end = cpu_rdtsc() + UInt64(partition.value.platform.tscKHz) * 1000
        while !output.hasRoom(for: 4096), output.noted != functions.value.lostReader, !mustEnd {
            guard cpu_rdtsc() < end else {
                functions.value.lostReader = output.noted
                return
            }
            // This core may be the one that answers them.
            core.value.serveManagers()
            openWindow()
        }
    }
}
