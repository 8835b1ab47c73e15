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

    /// Runs the model once, and does what that asks for.
    /// - Returns: what is read, and whether the console waits for its reader.
    private mutating func runModel(
        _ call: ModelCall, _ page: Pointer<ModelPage>, _ functions: Pointer<PartitionFunctions>
    ) -> (value: UInt64, waits: Bool) {
        partition.value.takeLock(core.value.vcpu)
        defer { partition.value.releaseLock() }
        guard partition.value.foundCause == nil else { return (.max, false) }
        let control = partition.value.controlPage, isControl = partition.value.spec.virtio.contains(.control)
        let wasAnswered = isControl && control.controlOut.peek() != nil
        let output = control.consoleOut,
            isFree = output.hasRoom(for: 4096) || output.noted == functions.value.lostReader
        let rooms: [2 of UInt64] = [isFree ? ModelMemory.pieceSize : 0, UInt64(control.controlIn.room)]
        page.value.call = call
        page.value.room = rooms
        for i in 0..<3 {
            page.value.locked[2 * i] = partition.value.watch.kernel.parts[i].lowerBound
            page.value.locked[2 * i + 1] = partition.value.watch.kernel.parts[i].upperBound
        }
        modelCPU.makeCurrent()
        let saved = cpu.registers.value
        let failure = enterModel(), code = modelCPU.exitCode
        // All but `kicked`, which an NMI may set at any time.
        withUnsafeBytes(of: saved) { saved in
            for at in stride(from: 0, to: Int(GUEST_KICKED), by: 8) {
                unsafe store(saved.load(fromByteOffset: at, as: UInt64.self), cpu.registers.address + UInt64(at))
            }
        }
        cpu.makeCurrent()
        if let failure {
            // Who wants the guest to end needs no reason of the model's.
            guard failure != .manager else { return (.max, false) }
            if failure == .violation { _ = violation("its device model ended, exit code %x", code) }
            recordEnd(.end(failure))
            partition.value.requestEnd(failure)
            LocalAPIC.kick(partition.value.platform.apicIDs[0])
            return (.max, false)
        }
        for i in 0..<2 {
            let place = page.address + ModelMemory.output - ModelMemory.page + UInt64(i) * 4096
            let text = unsafe bytes(place + 16, min(load(place), min(rooms[i], ModelMemory.pieceSize)))
            if !text.isEmpty { i == 0 ? unsafe output.push(text) : unsafe control.controlIn.push(text) }
        }
        for i in 0..<Int(min(page.value.interruptCount, 64)) { send(page.value.interrupts[i]) }
        for i in 0..<functions.value.guest.modelCount
        where functions.value.wires[i] != nil && functions.value.guest.memory(model: i) == nil {
            let isChange = page.value.changes >> UInt64(i) & 1 != 0, isDue = page.value.kicks >> UInt64(i) & 1 != 0
            functions.value.wires[i]?.kickPeer(isChange: isChange, isDue: isDue, control)
            control.value.wires[i] = page.value.counters[i]
            control.value.wires[i].kicks = functions.value.wires[i]?.kicked ?? 0
        }
        if page.value.hasMore != 0 { LocalAPIC.kick(partition.value.platform.apicIDs[0]) }
        // By the boot vCPU's core, of whose budget it is.
        if isControl, wasAnswered && control.controlOut.peek() == nil || control.controlIn.peek() != nil {
            core.value.vcpu == 0 ? ControlPage.kickHousekeeper() : LocalAPIC.kick(partition.value.platform.apicIDs[0])
        }
        return (page.value.answer, page.value.waits != 0)
    }

    /// Enters the model until it says that it is through, or nothing more can come of it.
    /// - Returns: nil, or why not; `manager` where the guest is to end anyway.
    private mutating func enterModel() -> StateCause? {
        let end = partition.value.deadline(seconds: 1)
        var wasKicked = false
        // Whoever looks for kicks next finds those that came meanwhile.
        defer { if wasKicked { LocalAPIC.kick(LocalAPIC.id) } }
        while true {
            guard case .rare = modelCPU.run() else { return .violation }
            let exit = modelCPU.decodeRare()
            switch exit {
            case .hypercall:
                count(.deviceModel)
                modelCPU.skip(3)
                return nil
            case .nmi, .hostInterrupt:
                if case .nmi = exit { count(.nmi) } else { count(.other) }
                modelCPU.takeHostInterrupt()
                wasKicked = true
                core.value.showLife()
                core.value.housekeeping?.value.serve(core.value)
                if mustEnd { return .manager }
                if cpu_rdtsc() >= end { return .violation }
            case .machineCheck:
                if case .end(let cause) = machineCheck() { return cause }
            default:
                if MachineCheck.isUnderWay, case .end(let cause) = machineCheck() { return cause }
                return .violation
            }
        }
    }

    /// Whether the guest ends now, whatever becomes of the call. Nothing that may be taken back: no call follows one that was left.
    private var mustEnd: Bool {
        let page = partition.value.controlPage
        // The last guest is what was to end then; a call that is left goes on where it was, if its vCPU is not reset.
        if isModelNew { return false }
        if partition.value.foundCause != nil
            || partition.value.order.load(ordering: .sequentiallyConsistent) == VCPUOrder.stop
        {
            return true
        }
        guard core.value.vcpu == 0 else { return false }
        return page.value.hold.isAsked || page.value.request == .stop
            || page.value.request == .restart
    }

    /// A new model, of which no guest has asked anything: it finds that no driver is there, and says so to its wires' other ends.
    /// For the boot vCPU, while none is in the guest.
    mutating func startModel() {
        guard let model = partition.value.model, let guest = partition.value.functions?.value.guest.model else {
            return
        }
        model.renew()
        resetModelCPU()
        let control = partition.value.controlPage, count = partition.value.functions?.value.guest.modelCount ?? 0
        unsafe cpu_zero(
            UnsafeMutableRawPointer(bitPattern: UInt(model.page.address)), UInt64(ModelMemory.frames) * 4096)
        model.page.initialize(
            to: ModelPage(
                isIntel: Extension.vendor == .intel, memory: partition.value.memory.base,
                memorySize: partition.value.memory.size, rings: control.rings,
                ticksPerSecond: UInt64(partition.value.platform.tscKHz) * 1000, count: count, functions: guest,
                counters: control.value.wires))
        isModelNew = true
        serveModel()
        isModelNew = false
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

    /// Whether a driver has the virtio console, which is the first such function; then what is typed is its, not the UART's.
    var isConsoleLive: Bool {
        guard partition.value.spec.virtio.contains(.console), let model = partition.value.model else { return false }
        return model.page.value.live & 1 != 0
    }

    /// The guest's message as what it means on silicon, if it is for a core of the partition's.
    private func send(_ interrupt: UInt64) {
        let id = interrupt >> 32, vector = interrupt & 0xFF
        for vcpu in 0..<partition.value.vcpuCount
        where vector >= 16 && UInt64(partition.value.platform.apicIDs[vcpu]) == id {
            LocalAPIC.send(id << 32 | vector)
        }
    }

    /// Waits for whoever reads the console, so that nothing is lost while they keep up; who does not move for a second is gone,
    /// and waited for again only when they come back.
    private mutating func waitForReader(_ functions: Pointer<PartitionFunctions>) {
        let output = partition.value.controlPage.consoleOut
        let end = cpu_rdtsc() + UInt64(partition.value.platform.tscKHz) * 1000
        while !output.hasRoom(for: 4096), output.noted != functions.value.lostReader {
            guard cpu_rdtsc() < end else {
                functions.value.lostReader = output.noted
                return
            }
            // This core may be the one that answers them.
            core.value.housekeeping?.value.serve(core.value)
            openWindow()
        }
    }
}
