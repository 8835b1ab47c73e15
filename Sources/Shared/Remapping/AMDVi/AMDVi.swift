import X86

/// One AMD-Vi unit. It keeps no state: what it needs to know, its registers tell.
public struct AMDVi<Registers: RegisterFile>: RemappingHardware {
    let unit: RemappingUnitDescription
    let registers: Registers
    let memory: RemappingMemory
    /// One frame each: commands, then the event log, then what is stored on completion.
    private var commands: UInt64 { unit.buffers }
    var eventLog: UInt64 { unit.buffers + FrameArena.frameSize }
    private var completion: UInt64 { unit.buffers + 2 * FrameArena.frameSize }
    private static var entries: Int { 256 }
    /// The registers as `enable` sets them: the device table has 512 frames, less one is told; buffer and log 2^8 entries.
    var deviceTable: UInt64 { memory.deviceTable | 511 }
    var commandBuffer: UInt64 { commands | 8 << 56 }
    var eventLogBase: UInt64 { eventLog | 8 << 56 }
    var control: UInt64 {
        var control = AMDViControl.wanted(by: unit.flags) | AMDViControl.coherent | AMDViControl.running
        if memory.features.extendedInterrupts { control |= AMDViControl.wideInterrupts | AMDViControl.x2APIC }
        if features.interruptLimit > 512 { control |= AMDViControl.manyInterrupts }
        return control
    }

    public init(_ unit: RemappingUnitDescription, _ registers: Registers, _ memory: RemappingMemory) {
        (self.unit, self.registers, self.memory) = (unit, registers, memory)
    }

    public var features: RemappingFeatures {
        RemappingFeatures(
            amdVi: registers.read64(AMDViRegister.features), registers.read64(AMDViRegister.features2))
    }

    public func enable() throws(RemappingError) {
        // What is under our tables stays so; else off, whatever firmware had on, so that base addresses may change
        // (section 3.4.2). Until the unit is on again, DMA passes untranslated.
        if (try? verify()) != nil { return try invalidate() }
        try disable()
        registers.write64(AMDViRegister.exclusionBase, 0)
        registers.write64(AMDViRegister.exclusionLimit, 0)
        registers.write64(AMDViRegister.deviceTable, deviceTable)
        registers.write64(AMDViRegister.commandBuffer, commandBuffer)
        registers.write64(AMDViRegister.commandHead, 0)
        registers.write64(AMDViRegister.commandTail, 0)
        registers.write32(AMDViRegister.status, AMDViStatus.overflow | AMDViStatus.eventInterrupt)
        registers.write64(AMDViRegister.eventLog, eventLogBase)
        registers.write64(AMDViRegister.eventHead, 0)
        registers.write64(AMDViRegister.eventTail, 0)
        registers.write64(AMDViRegister.control, control & ~AMDViControl.running)
        registers.write64(AMDViRegister.control, control)
        guard registers.poll(AMDViRegister.status, AMDViStatus.commandRunning, AMDViStatus.commandRunning) else {
            throw .noAnswer(.queue)
        }
        try invalidate()
        try verify()
    }

    public func invalidate() throws(RemappingError) {
        let tail = Int(registers.read64(AMDViRegister.commandTail) >> 4) & (Self.entries - 1)
        let next = (tail + 1) & (Self.entries - 1), end = (tail + 2) & (Self.entries - 1)
        let done = PhysicalWords(at: completion)
        done[0] = 0
        let words = PhysicalWords(at: commands)
        words[tail * 2] = AMDViCommand.invalidateAll
        words[tail * 2 + 1] = 0
        words[next * 2] = AMDViCommand.completionWait(storeAt: completion)
        words[next * 2 + 1] = 1
        registers.write64(AMDViRegister.commandTail, UInt64(end) << 4)
        for _ in 0..<pollLimit {
            // The register is read for the time that it takes.
            guard registers.read32(AMDViRegister.status) & AMDViStatus.commandRunning != 0 else { break }
            if done.loadShared() == 1 { return }
        }
        throw .noAnswer(.queue)
    }

    func disable() throws(RemappingError) {
        // Logs and buffers stop first, the unit then (section 3.4.2, CmdBufEn and EventLogEn).
        registers.write64(AMDViRegister.control, registers.read64(AMDViRegister.control) & AMDViControl.enable)
        guard registers.poll(AMDViRegister.status, AMDViStatus.commandRunning | AMDViStatus.eventRunning, 0) else {
            throw .noAnswer(.translation)
        }
        registers.write64(AMDViRegister.control, 0)
    }

    // MARK: Faults (section 2.5)

    /// The message goes into the MSI capability of the unit's function, which the caller writes.
    public func report(to message: InterruptMessage?) {
        let control = registers.read64(AMDViRegister.control)
        registers.write64(
            AMDViRegister.control,
            message != nil ? control | AMDViControl.eventInterrupt : control & ~AMDViControl.eventInterrupt)
    }

    public func nextFault(lost: inout UInt64) -> DeviceFault? {
        for _ in 0..<Self.entries {
            let head = Int(registers.read64(AMDViRegister.eventHead) >> 4) & (Self.entries - 1)
            let tail = Int(registers.read64(AMDViRegister.eventTail) >> 4) & (Self.entries - 1)
            guard head != tail else { break }
            let low = PhysicalWords(at: eventLog + UInt64(head) * 16).loadShared()
            let high = PhysicalWords(at: eventLog + UInt64(head) * 16 + 8).loadShared()
            registers.write64(AMDViRegister.eventHead, UInt64((head + 1) & (Self.entries - 1)) << 4)
            if let fault = DeviceFault(event: low, high) { return fault }
        }
        clearStatus(&lost)
        return nil
    }

    /// Both bits are cleared by writing ones; after an overflow the log stands until it is switched off and on.
    private func clearStatus(_ lost: inout UInt64) {
        let status = registers.read32(AMDViRegister.status)
        guard status & (AMDViStatus.overflow | AMDViStatus.eventInterrupt) != 0 else { return }
        if status & AMDViStatus.overflow != 0 {
            lost += 1
            let control = registers.read64(AMDViRegister.control)
            registers.write64(AMDViRegister.control, control & ~AMDViControl.eventLog)
            registers.write32(AMDViRegister.status, AMDViStatus.overflow | AMDViStatus.eventInterrupt)
            registers.write64(AMDViRegister.control, control)
        } else {
            registers.write32(AMDViRegister.status, AMDViStatus.eventInterrupt)
        }
    }
}

extension DeviceFault {
    /// An entry of the event log; nil when it has nothing to say of a function.
    init?(event low: UInt64, _ high: UInt64) {
        self.init()
        reason = UInt8(low >> 60)
        guard reason != 0 else { return nil }
        // Command and counter events (5, 6 and 9) name no function.
        requester = reason == 5 || reason == 6 || reason == 9 ? 0 : UInt16(truncatingIfNeeded: low)
        address = high
        // In page faults: bit 51 an interrupt, bit 53 a write. QEMU sets the former for memory accesses too, so that the
        // address counts also: where MSIs go, or interrupts of HyperTransport (section 2.1.4.2).
        isInterrupt = reason == 2 && low >> 51 & 1 != 0 && (high >> 20 == 0xFEE || high >> 24 == 0xFDF8)
        isWrite = reason == 2 && low >> 53 & 1 != 0
    }
}
