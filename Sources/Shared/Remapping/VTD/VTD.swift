/// One VT-d unit. It keeps no state: what it needs to know, its registers tell.
public struct VTD<Registers: RegisterFile>: RemappingHardware {
    let unit: RemappingUnitDescription
    let registers: Registers
    let memory: RemappingMemory
    /// The invalidation queue, 256 descriptors of 16 bytes.
    var queue: UInt64 { unit.buffers }
    /// What the interrupt table's register holds: 2^(n + 1) entries; bit 11: 32-bit destinations.
    var interruptTable: UInt64 {
        memory.interruptTable | (memory.features.extendedInterrupts ? 1 << 11 : 0)
            | UInt64(memory.interruptEntries.trailingZeroBitCount - 1)
    }

    public init(_ unit: RemappingUnitDescription, _ registers: Registers, _ memory: RemappingMemory) {
        (self.unit, self.registers, self.memory) = (unit, registers, memory)
    }

    public var features: RemappingFeatures { RemappingFeatures(vtd: capabilities.capability, capabilities.extended) }

    var capabilities: VTDCapabilities {
        VTDCapabilities(
            capability: registers.read64(VTDRegister.capability),
            extended: registers.read64(VTDRegister.extendedCapability))
    }

    /// Section 11.4.4 demands that each write changes one bit and waits for its status, which a flush alone clears.
    func command(_ bit: UInt32, _ step: RemappingError.Step, ends: Bool = false) throws(RemappingError) {
        let lasting = registers.read32(VTDRegister.globalStatus) & VTDCommand.lasting
        if ends, lasting & bit == 0 { return }
        registers.write32(VTDRegister.globalCommand, ends ? lasting & ~bit : lasting | bit)
        let status = ends || bit == VTDCommand.flushWriteBuffer ? 0 : bit
        guard registers.poll(VTDRegister.globalStatus, bit, status) else { throw .noAnswer(step) }
    }

    public func enable() throws(RemappingError) {
        registers.write32(VTDRegister.faultControl, 1 << 31)
        registers.write32(VTDRegister.invalidationControl, 1 << 31)
        // What firmware may have on: the queue first, so that its address may change: it says that the unit is ours. What is
        // under our tables already stays so.
        try command(VTDCommand.queue, .queue, ends: true)
        registers.write64(VTDRegister.queueTail, 0)
        registers.write64(VTDRegister.queueAddress, queue)
        try command(VTDCommand.compatibilityFormat, .interruptRemapping, ends: true)
        if registers.read64(VTDRegister.interruptTable) != interruptTable {
            try command(VTDCommand.interruptRemapping, .interruptRemapping, ends: true)
        }
        // Another kind of table (TTM, section 11.4.5) changes only while translation is off.
        if registers.read64(VTDRegister.rootTable) & VTDCommand.tableType != 0 {
            try command(VTDCommand.translation, .translation, ends: true)
        }
        try flushWriteBuffer()
        try setTables(memory.deviceTable, interruptTable)
        try command(VTDCommand.queue, .queue)
        try invalidate()
        try command(VTDCommand.translation, .translation)
        if memory.features.remapsInterrupts { try command(VTDCommand.interruptRemapping, .interruptRemapping) }
        try releaseProtectedMemory()
        try verify()
    }

    func setTables(_ root: UInt64, _ interrupts: UInt64) throws(RemappingError) {
        registers.write64(VTDRegister.rootTable, root)
        try command(VTDCommand.setRootTable, .rootTable)
        guard memory.features.remapsInterrupts else { return }
        registers.write64(VTDRegister.interruptTable, interrupts)
        try command(VTDCommand.setInterruptTable, .interruptTable)
    }

    /// Firmware may have walled off memory by other means, which would go on to deny after translation.
    private func releaseProtectedMemory() throws(RemappingError) {
        guard capabilities.hasProtectedMemory else { return }
        guard registers.read32(VTDRegister.protectedMemory) & (1 << 31 | 1) != 0 else { return }
        registers.write32(VTDRegister.protectedMemory, 0)
        guard registers.poll(VTDRegister.protectedMemory, 1, 0) else { throw .noAnswer(.protectedMemory) }
    }

    private func flushWriteBuffer() throws(RemappingError) {
        if capabilities.needsWriteBufferFlush { try command(VTDCommand.flushWriteBuffer, .queue) }
    }

    public func invalidate() throws(RemappingError) {
        try flushWriteBuffer()
        registers.write32(VTDRegister.faultStatus, VTDFaultStatus.queueErrors)
        registers.write32(VTDRegister.invalidationStatus, 1)
        var tail = Int(registers.read64(VTDRegister.queueTail) >> 4 & 255)
        let words = PhysicalWords(at: queue)
        let descriptors: [4 of UInt64] = [
            VTDDescriptor.allContexts, VTDDescriptor.allTranslations(drains: capabilities.drains),
            memory.features.remapsInterrupts ? VTDDescriptor.allInterrupts : VTDDescriptor.allContexts,
            VTDDescriptor.wait,
        ]
        for i in 0..<descriptors.count {
            words[tail * 2] = descriptors[i]
            words[tail * 2 + 1] = 0
            if !memory.features.isCoherent { registers.writeBack(queue + UInt64(tail) * 16, 16) }
            tail = (tail + 1) & 255
        }
        registers.write64(VTDRegister.queueTail, UInt64(tail) << 4)
        for _ in 0..<pollLimit {
            if registers.read32(VTDRegister.invalidationStatus) & 1 != 0 { return }
            if registers.read32(VTDRegister.faultStatus) & VTDFaultStatus.queueErrors != 0 { break }
        }
        throw .noAnswer(.queue)
    }

    // MARK: Faults (section 7.3)

    public func report(to message: InterruptMessage?) {
        if let message {
            registers.write32(VTDRegister.faultData, message.data)
            registers.write32(VTDRegister.faultAddress, UInt32(truncatingIfNeeded: message.address))
            registers.write32(VTDRegister.faultUpperAddress, UInt32(truncatingIfNeeded: message.address >> 32))
        }
        registers.write32(VTDRegister.faultControl, message == nil ? 1 << 31 : 0)
    }

    public func nextFault(lost: inout UInt64) -> DeviceFault? {
        let status = registers.read32(VTDRegister.faultStatus)
        guard status & (VTDFaultStatus.pending | VTDFaultStatus.overflow) != 0 else { return nil }
        let capabilities = capabilities
        // The oldest record, as long as its F bit is set; clearing that moves the hardware on.
        for step in 0..<capabilities.faultCount {
            let index = (Int(status >> 8 & 0xFF) + step) % capabilities.faultCount
            let record = capabilities.faultOffset + index * 16
            let high = registers.read64(record + 8)
            guard high >> 63 != 0 else { continue }
            let fault = DeviceFault(vtdLow: registers.read64(record), high: high)
            registers.write32(record + 12, 1 << 31)
            return fault
        }
        if status & VTDFaultStatus.overflow != 0 {
            registers.write32(VTDRegister.faultStatus, VTDFaultStatus.overflow)
            lost += 1
        }
        return nil
    }
}

extension DeviceFault {
    /// A fault recording register (VT-d specification, section 11.4.14; 10.4.14 in older editions).
    init(vtdLow low: UInt64, high: UInt64) {
        self.init()
        requester = UInt16(truncatingIfNeeded: high)
        reason = UInt8(truncatingIfNeeded: high >> 32)
        // Reasons 20h to 2Fh are of interrupts, whose index is in the upper half.
        isInterrupt = reason & 0xF0 == 0x20
        address = isInterrupt ? low >> 48 : low & ~0xFFF
        // Type bits T1 and T2 (126 and 92): 0 is a write.
        isWrite = !isInterrupt && high >> 62 & 1 == 0 && high >> 28 & 1 == 0
    }
}
