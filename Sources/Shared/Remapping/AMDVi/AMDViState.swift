/// What a unit's registers hold: read back, kept and brought back (specification 48882, section 3.4).
extension AMDVi {
    public func verify() throws(RemappingError) {
        let control = registers.read64(AMDViRegister.control)
        guard control & AMDViControl.enable != 0 else { throw .changed(.translation) }
        guard registers.read64(AMDViRegister.deviceTable) == deviceTable else { throw .changed(.rootTable) }
        // Interrupts, segments of the device table: whatever lets something past it.
        guard (control ^ self.control) & ~AMDViControl.free == 0 else { throw .changed(.control) }
        guard registers.read64(AMDViRegister.commandBuffer) == commandBuffer,
            registers.read64(AMDViRegister.eventLog) == eventLogBase,
            registers.read32(AMDViRegister.status) & AMDViStatus.commandRunning != 0
        else { throw .changed(.queue) }
        // Memory that devices reach untranslated.
        guard registers.read64(AMDViRegister.exclusionBase) & 1 == 0 else { throw .changed(.protectedMemory) }
    }

    public func save() {
        let words = PhysicalWords(at: unit.saved), kept = AMDViRegister.kept
        for i in 0..<kept.count { words[i] = registers.read64(kept[i]) }
    }

    public func restore() throws(RemappingError) {
        guard registers.read64(AMDViRegister.commandBuffer) == commandBuffer else { return }
        let words = PhysicalWords(at: unit.saved), kept = AMDViRegister.kept
        try disable()
        registers.write64(kept[0], words[0])
        if words[9] & AMDViControl.enable != 0 {
            // By our buffer: nothing of our table stays in the caches that firmware's table is read through.
            registers.write64(AMDViRegister.control, words[9] | AMDViControl.running)
            try? invalidate()
            try disable()
        }
        for i in 0..<kept.count { registers.write64(kept[i], words[i]) }
    }
}
