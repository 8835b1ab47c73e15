/// By which a partition's loader hands a sealed end its key: in the function's configuration space, behind its capabilities, where no
/// driver looks. It is written once, before the guest's first instruction, and read by nobody.
///
/// | Offset | |
/// |---|---|
/// | C0h to DFh | the key, eight double words; reads as 0 |
/// | E0h | reads as 1 where the end is sealed and waits for its key, else as 0; writing it ends that |
public struct SealRegister: Sendable {
    public static let key = 0xC0
    public static let state = 0xE0
    static let range = key..<state + 4
    private var words = [8 of UInt32](repeating: 0)
    private var written: UInt8 = 0
    private var isOpen: Bool

    /// - Parameter isSealed: whether the end is to have a key.
    init(isSealed: Bool) { isOpen = isSealed }

    var value: UInt32 { isOpen ? 1 : 0 }

    /// Writes a double word.
    /// - Returns: the key, when it is closed and all of it was written.
    mutating func write(_ offset: Int, _ value: UInt32) -> SealKey? {
        guard isOpen, offset & 3 == 0 else { return nil }
        switch offset {
        case Self.key..<Self.key + SealKey.size:
            let i = (offset - Self.key) / 4
            words[i] = value
            written |= 1 << UInt8(i)
            return nil
        case Self.state:
            isOpen = false
            defer { words = [8 of UInt32](repeating: 0) }
            return written == 0xFF ? SealKey(words: words) : nil
        default: return nil
        }
    }
}
