/// Waits for a line that contains a text, byte by byte.
public struct LineSearch {
    private let wanted: String
    private var line: [UInt8] = []
    /// Bytes of a line that are kept: what is waited for is shorter.
    static let maxLine = 4096

    public init(for wanted: String) { self.wanted = wanted }

    /// Whether the line so far contains the text, the byte included.
    public mutating func isFound(after byte: UInt8) -> Bool {
        line = byte == 0x0A ? [] : line + [byte]
        if byte == wanted.utf8.last, String(decoding: line, as: UTF8.self).contains(wanted) { return true }
        if line.count > Self.maxLine { line.removeFirst(Self.maxLine / 2) }
        return false
    }
}
