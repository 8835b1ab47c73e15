/// What a unit's registers hold: read back, kept and brought back (specification 48882, section 3.4).
extension AMDVi {
    public func verify() throws(RemappingError) {
        let control = registers.read64(AMDViRegister.control)
        guard control & AMDViControl.enable != 0 else { throw .changed(.translation) }
        guard registers.read64(AMDViRegister.deviceTable) == deviceTable else { throw .changed(.rootTable) }
        guard control & AMDViControl.protecting == protection else { throw .changed(.interruptRemapping) }
        guard registers.read64(AMDViRegister.commandBuffer) == commandBuffer,
            registers.read32(AMDViRegister.status) & AMDViStatus.commandRunning != 0
        else { throw .changed(.queue) }
        // Memory that devices reach untranslated.
        guard registers.read64(AMDViRegister.exclusionBase) & 1 == 0 else { throw .changed(.protectedMemory) }
    }

    /// What has to be there before control says that it counts; control itself is the last.
    private static var kept: [10 of Int] {
        [
            AMDViRegister.deviceTable, AMDViRegister.exclusionBase, AMDViRegister.exclusionLimit,
            AMDViRegister.commandBuffer, AMDViRegister.commandHead, AMDViRegister.commandTail, AMDViRegister.eventLog,
            AMDViRegister.eventHead, AMDViRegister.eventTail, AMDViRegister.control,
        ]
    }

    public func save() {
        let words = PhysicalWords(at: unit.saved), kept = Self.kept
        for i in 0..<kept.count { words[i] = registers.read64(kept[i]) }
    }

    public func restore() throws(RemappingError) {
        let words = PhysicalWords(at: unit.saved), kept = Self.kept
        // By our buffer, if it came to be: nothing of our table stays in the unit's caches.
        registers.write64(kept[0], words[0])
        try? invalidate()
        try disable()
        for i in 0..<kept.count { registers.write64(kept[i], words[i]) }
    }
}
