import Resources
import Silicon
import Text

extension VCPURunner {
    /// Clears the partition's memory; where it has a key of its own, under a new one.
    mutating func renewMemory() -> Bool {
        let answer = renewKeyedMemory(key: partition.value.memory.key.program, &self)
        guard answer != 0 else { return true }
        var line = LogLine("bulkhead: the memory key cannot be set: PCONFIG answers %d", answer)
        line.write("; the partition does not start")
        partition.value.controlPage.print(line)
        return false
    }
}

extension VCPURunner: KeyedMemory {
    mutating func flush() { forEachPiece { cpu_write_back($0, $1) } }
    mutating func clear() {
        forEachPiece { unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt($0)), $1) }
    }
    mutating func program(_ key: UInt64) -> UInt64 {
        openWindow()
        return cpu_pconfig(key)
    }
}
