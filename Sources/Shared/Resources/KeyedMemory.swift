/// Memory that one partition has, reached by its key: the silicon's, or a model of it.
public protocol KeyedMemory: ~Copyable {
    /// Writes every line of it back, through the key that it has, and keeps none.
    mutating func flush()
    /// Has the key made anew: 0, or why it was not (PCONFIG in RAX: 1 command, 2 entropy, 3 key, 4 algorithm, 5 busy).
    mutating func program(_ key: UInt64) -> UInt64
    /// Zeroes all of it.
    mutating func clear()
}

/// Gives memory a new key, where it has one of its own, and clears it. Whatever was in it is noise from then on, wherever a copy of
/// the module's cells may be. Lines that were changed under the old key must be gone before: an eviction would write them
/// under the new one.
/// - Parameter key: `KeyIdentifier.program`.
/// - Returns: 0, or why the key was not set; then nothing was cleared.
@inline(never)
public func renewKeyedMemory<Memory: KeyedMemory & ~Copyable>(key: UInt64, _ memory: inout Memory) -> UInt64 {
    if key != 0 {
        memory.flush()
        var answer = memory.program(key), attempt = 1
        // Too little entropy, or another processor at it.
        while answer == 2 || answer == 5, attempt < 1000 {
            answer = memory.program(key)
            attempt += 1
        }
        if answer != 0 { return answer }
    }
    memory.clear()
    return 0
}
