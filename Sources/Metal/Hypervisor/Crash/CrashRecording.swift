import Manifest
import Records
import Remapping
import Silicon
import Synchronization
import Text

extension CoreState {
    /// Records the end of the guest on this core, or what the hypervisor's instance below it did (`frame`).
    @inline(never)
    mutating func recordCrash(
        _ kind: CrashKind, vector: UInt64 = 0, detail: UInt64? = nil, frame: Pointer<exception_frame>? = nil,
        breach: (rip: UInt64, old: UInt64, new: UInt64)? = nil
    ) {
        let vcpu = partition == nil ? nil : vcpu
        guard
            let record = program.crash.begin(
                kind, vector: frame?.value.vector ?? vector, core: index, vcpu: vcpu)
        else { return }
        if let frame { record.value.add(frame) }
        if let partition {
            record.value.setPartition(partition.value.spec.name)
            if partition.value.controlPage.value.loads.load(ordering: .relaxed) != 0 {
                program.vendor.record(guestOf: layout, in: &record.value)
                exitHistory.write(to: &record.value)
            }
        }
        if let detail { record.value[.detail] = detail }
        if let breach {
            record.value[.guestRIP] = breach.rip
            (record.value[.registers, 0], record.value[.registers, 1]) = (breach.old, breach.new)
        }
        record.seal()
    }
}

extension Pointer where Value == CrashRecord {
    /// A reset of the machine may lose what is in caches alone: it is what this is read after.
    func seal() {
        value.seal()
        cpu_write_back(address, UInt64(MemoryLayout<CrashRecord>.size))
    }
}

extension CoreState {
    /// Says and records that the core of one of the partition's vCPUs does not answer.
    @inline(never)
    mutating func recordLoss(of vcpu: Int) {
        guard let partition else { return }
        partition.value.controlPage.print(
            LogLine(partition: partition.value.spec.name, ": the core of vCPU %d does not answer", UInt64(vcpu)))
        recordCrash(.coreLost, detail: UInt64(vcpu))
        // Unless that one comes back, the housekeeping core has to end the guest.
        if vcpu == 0 { partition.value.controlPage.value.isMissed.store(true, ordering: .relaxed) }
    }

    /// Records what a remapping unit refused to a partition's function, on the core that reads the unit's log; or, where that is
    /// nil, that the core of its boot vCPU is lost.
    @inline(never)
    func record(_ fault: DeviceFault?, of partition: Label) {
        let kind = fault == nil ? CrashKind.coreLost : .deviceFault
        guard let record = program.crash.begin(kind, core: index, vcpu: nil) else { return }
        if let fault { record.value.setDevice(fault) }
        record.value.setPartition(partition)
        record.seal()
    }
}

extension ExitContext {
    /// Records a guest's end that an exit of this vCPU has brought, where it is a crash.
    @inline(never)
    mutating func recordEnd(_ next: ExitOutcome) {
        // The vCPU that brought it about was here before.
        guard partition.value.endCause.load(ordering: .relaxed) == 0 else { return }
        switch next {
        case .end(.tripleFault): core.value.recordCrash(.tripleFault)
        case .end(.panic): core.value.recordCrash(.panic)
        case .end(.watchdog): core.value.recordCrash(.watchdog)
        case .end(.violation): core.value.recordCrash(.violation)
        default: break
        }
    }
}

extension CrashRegion {
    /// Records a fault of the hypervisor before it has cores of its own.
    static func recordBootFault(_ frame: Pointer<exception_frame>) {
        guard let record = own?.begin(.bootFault, vector: frame.value.vector, core: nil, vcpu: nil) else { return }
        record.value.add(frame)
        record.seal()
    }
}

extension CrashRecord {
    fileprivate mutating func add(_ frame: Pointer<exception_frame>) {
        addFrame()
        self[.error] = frame.value.error
        self[.cr2] = cpu_read_cr2()
        self[.imageOffset] = frame.value.rip &- image_address()
        self[.rsp] = frame.value.rsp
        self[.rflags] = frame.value.rflags
        self[.cr3] = cpu_read_cr3()
        // The frame begins with the registers in the record's order.
        for i in 0..<15 { self[.registers, i] = load(frame.address + UInt64(i) * 8) }
    }

    /// What neither processor keeps in its control block: RBX to R15, as `guest_registers` begins.
    mutating func addGeneralRegisters(at registers: UInt64, rax: UInt64) {
        self[.guestRegisters] = rax
        for i in 1..<15 { self[.guestRegisters, i] = load(registers + UInt64(i - 1) * 8) }
    }
}
