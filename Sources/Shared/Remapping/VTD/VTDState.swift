/// What a unit's registers hold beside faults: read back, kept and brought back (VT-d specification, section 11.4).
extension VTD {
    public func verify() throws(RemappingError) {
        let status = registers.read32(VTDRegister.globalStatus)
        guard status & VTDCommand.translation != 0 else { throw .changed(.translation) }
        guard registers.read64(VTDRegister.rootTable) == memory.deviceTable else { throw .changed(.rootTable) }
        guard status & VTDCommand.queue != 0, registers.read64(VTDRegister.queueAddress) == queue else {
            throw .changed(.queue)
        }
        guard memory.features.remapsInterrupts else { return }
        guard status & (VTDCommand.interruptRemapping | VTDCommand.compatibilityFormat) == VTDCommand.interruptRemapping
        else { throw .changed(.interruptRemapping) }
        guard registers.read64(VTDRegister.interruptTable) == interruptTable else { throw .changed(.interruptTable) }
    }

    public func save() {
        let words = PhysicalWords(at: unit.saved)
        words[0] = UInt64(registers.read32(VTDRegister.globalStatus))
        words[1] = registers.read64(VTDRegister.rootTable)
        words[2] = registers.read64(VTDRegister.interruptTable)
        words[3] = registers.read64(VTDRegister.queueAddress)
        words[4] = registers.read64(VTDRegister.queueTail)
        words[5] = capabilities.hasProtectedMemory ? UInt64(registers.read32(VTDRegister.protectedMemory)) : 0
    }

    /// The unit's own interrupts stay masked, as they are after a reset.
    public func restore() throws(RemappingError) {
        guard registers.read64(VTDRegister.queueAddress) == queue else { return }
        let words = PhysicalWords(at: unit.saved)
        let status = UInt32(truncatingIfNeeded: words[0])
        // Before translation ends: what protected memory denied is denied all the time.
        if words[5] & 1 << 31 != 0 {
            registers.write32(VTDRegister.protectedMemory, 1 << 31)
            _ = registers.poll(VTDRegister.protectedMemory, 1, 1)
        }
        try command(VTDCommand.interruptRemapping, .interruptRemapping, ends: true)
        try command(VTDCommand.translation, .translation, ends: true)
        try setTables(words[1], words[2])
        // By our queue, which may not have come to run.
        try command(VTDCommand.queue, .queue)
        try? invalidate()
        try command(VTDCommand.queue, .queue, ends: true)
        registers.write64(VTDRegister.queueTail, 0)
        registers.write64(VTDRegister.queueAddress, words[3])
        let lasting: [4 of UInt32] = [
            VTDCommand.queue, VTDCommand.translation, VTDCommand.interruptRemapping, VTDCommand.compatibilityFormat,
        ]
        for i in 0..<lasting.count where status & lasting[i] != 0 { try command(lasting[i], .translation) }
        // The unit begins at the queue's start: what firmware had done is done again, which empties caches once more.
        registers.write64(VTDRegister.queueTail, words[4])
    }
}
