/// A SHA-384 digest.
public struct Digest384: Equatable, Sendable {
    /// The most significant word first.
    public var words: InlineArray<6, UInt64>
    public static let bytes = 48

    public init() { words = InlineArray(repeating: 0) }

    public static func == (a: Digest384, b: Digest384) -> Bool {
        var difference: UInt64 = 0
        for i in 0..<6 { difference |= a.words[i] ^ b.words[i] }
        return difference == 0
    }

    /// The `i`-th byte, of 48.
    public subscript(i: Int) -> UInt8 {
        get { UInt8(truncatingIfNeeded: words[i / 8] >> UInt64(56 - i % 8 * 8)) }
        set {
            let shift = UInt64(56 - i % 8 * 8)
            words[i / 8] = words[i / 8] & ~(0xFF << shift) | UInt64(newValue) << shift
        }
    }
}

/// SHA-384.
public struct SHA384: Sendable {
    private var core = SHA2<UInt64>(SHA2Constants.initial384)

    public init() {}

    public mutating func put(_ byte: UInt8) { core.put(byte) }
    /// `bytes` may be of any length; runs of a multiple of 128 bytes cost least.
    public mutating func put(_ bytes: UnsafeRawBufferPointer) { unsafe core.put(bytes) }

    /// The digest; nothing may come afterwards.
    public mutating func finish() -> Digest384 {
        let all = core.finish()
        var digest = Digest384()
        for i in 0..<6 { digest.words[i] = all[i] }
        return digest
    }
}
