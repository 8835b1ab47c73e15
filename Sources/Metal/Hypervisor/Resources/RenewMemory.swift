import Resources
import Silicon
import Text

extension VCPURunner {
    /// Clears the partition's memory; where it has a key of its own, under a new one.
    mutating func renewMemory() -> Bool {
        let answer = renewKeyedMemory(key: partition.value.memory.key.program) {
            forEachPiece { cpu_write_back($0, $1) }
        } program: { key in
            openWindow()  // it pauses the processor, too
            return cpu_pconfig(key)
        } clear: {
            forEachPiece { unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt($0)), $1) }
        }
        guard answer != 0 else { return true }
        partition.value.controlPage.print(
            LogLine("bulkhead: the memory key cannot be set: PCONFIG answers %d; the partition does not start", answer))
        return false
    }
}
