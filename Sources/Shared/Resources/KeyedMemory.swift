/// Gives memory a new key, where it has one of its own, and clears it. Whatever was in it is noise from then on, wherever a copy of
/// the module's cells may be. Lines that were changed under the old key must be gone before: an eviction would write them
/// under the new one.
/// - Parameters:
///   - key: `KeyIdentifier.program`.
///   - flush: writes every line of the memory back, through the key that it has, and keeps none.
///   - program: pauses, and has the key made anew: 0, or why it was not (PCONFIG in RAX: 1 command, 2 entropy, 3 key, 4 algorithm, 5 busy).
///   - clear: zeroes all of the memory.
/// - Returns: 0, or why the key was not set; then nothing was cleared.
@inline(__always)
public func renewKeyedMemory(
    key: UInt64, flush: () -> Void, program: (UInt64) -> UInt64, clear: () -> Void
) -> UInt64 {
    if key != 0 {
        flush()
        var answer = program(key), attempt = 1
        // Too little entropy, or another processor at it.
        while answer == 2 || answer == 5, attempt < 1000 {
            answer = program(key)
            attempt += 1
        }
        if answer != 0 { return answer }
    }
    clear()
    return 0
}
