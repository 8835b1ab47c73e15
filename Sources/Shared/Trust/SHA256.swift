/// SHA-256, and SHA-256/192, its first 192 bits (SP 800-208, section 2.3).
public struct SHA256: Sendable {
    private var core = SHA2<UInt32>(SHA2Constants.initial256)

    public init() {}

    public mutating func put(_ byte: UInt8) { core.put(byte) }
    public mutating func put(word: UInt32) { core.put(word: word) }
    public mutating func put(_ bytes: borrowing Span<UInt8>) { for i in 0..<bytes.count { core.put(bytes[i]) } }
    public mutating func put(_ words: borrowing InlineArray<8, UInt32>, count: Int) {
        for i in 0..<count { core.put(word: words[i]) }
    }

    /// The digest's words; nothing may come afterwards.
    public mutating func finish() -> InlineArray<8, UInt32> { core.finish() }
}
