import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text
import Watch

// One call to the device model: another world switch there and back, and what the model has to say.
extension ExitContext {
    /// Runs the model once, and does what that asks for.
    /// - Returns: what is read, and whether the console waits for its reader.
    mutating func runModel(
        _ call: ModelCall, _ page: Pointer<ModelPage>, _ functions: Pointer<PartitionFunctions>
    ) -> (value: UInt64, waits: Bool) {
        partition.value.takeLock(core.value.vcpu)
        defer { partition.value.releaseLock() }
        guard !functions.value.isModelLeft else { return (.max, false) }
        let control = partition.value.controlPage, isControl = partition.value.spec.virtio.contains(.control)
        let wasAnswered = isControl && control.controlOut.peek() != nil
        let output = control.consoleOut, lost = functions.value.lostReader
        let hasRoom = output.hasRoom(for: 4096) || output.noted == lost
        let rooms: [2 of UInt64] = [hasRoom ? ModelMemory.pieceSize : 0, UInt64(control.controlIn.room)]
        page.value.call = call
        page.value.room = rooms
        for i in 0..<3 {
            page.value.locked[2 * i] = partition.value.watch.kernel.parts[i].lowerBound
            page.value.locked[2 * i + 1] = partition.value.watch.kernel.parts[i].upperBound
        }
        // Also where a fault of the hypervisor cuts the call off.
        functions.value.isModelLeft = true
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
        functions.value.isModelLeft = false
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
        // What it executes itself: who is kicked all the time may be kept from it for longer.
        var left = UInt64(partition.value.platform.tscKHz) * 1000, wasKicked = false
        // Whoever looks for kicks next finds those that came meanwhile.
        defer { if wasKicked { LocalAPIC.kick(LocalAPIC.id) } }
        while true {
            let start = cpu_rdtsc()
            guard case .rare = modelCPU.run() else { return .violation }
            left -= min(left, cpu_rdtsc() &- start)
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
                core.value.serveManagers()
                if mustEnd { return .manager }
                if left == 0 { return .violation }
            case .machineCheck:
                if case .end(let cause) = machineCheck() { return cause }
            default:
                if MachineCheck.isUnderWay, case .end(let cause) = machineCheck() { return cause }
                return .violation
            }
        }
    }

    /// Whether the guest ends now, whatever becomes of the call: no other follows it. Nothing that may be taken back.
    var mustEnd: Bool {
        let page = partition.value.controlPage
        // The last guest is what was to end then.
        if isModelNew { return false }
        if partition.value.foundCause != nil
            || partition.value.order.load(ordering: .sequentiallyConsistent) == VCPUOrder.stop
        {
            return true
        }
        guard core.value.vcpu == 0 else { return false }
        return page.value.hold.isAsked || page.value.request == .stop || page.value.request == .restart
    }

    /// The guest's message as what it means on silicon, if it is for a core of the partition's.
    private func send(_ interrupt: UInt64) {
        let id = interrupt >> 32, vector = interrupt & 0xFF
        for vcpu in 0..<partition.value.vcpuCount
        where vector >= 16 && UInt64(partition.value.platform.apicIDs[vcpu]) == id {
            LocalAPIC.send(id << 32 | vector)
        }
    }
}
