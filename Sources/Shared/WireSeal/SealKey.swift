import Trust

/// 32 bytes from which the keys of sealed wires are derived.
public struct SealKey: Sendable {
    public private(set) var bytes = [32 of UInt8](repeating: 0)
    /// Bytes of a key.
    public static let size = 32

    /// The first 32 bytes of a digest.
    init(_ digest: Digest384) {
        for i in 0..<Self.size { bytes[i] = digest[i] }
    }

    /// What a partition's loader hands to its sealed ends.
    /// - Parameter secret: the partition's, at most 128 bytes.
    public init(secret: UnsafeRawBufferPointer) {
        let none = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        self.init(unsafe Self.derive(secret, "bulkhead wire", none))
    }

    /// By words, each with its first byte in bits 7:0.
    init(words: [8 of UInt32]) {
        for i in 0..<Self.size { bytes[i] = UInt8(truncatingIfNeeded: words[i / 4] >> UInt32(i % 4 * 8)) }
    }

    /// Word `i`, 0 to 7, as `init(words:)` takes it.
    public func word(_ i: Int) -> UInt32 {
        var word: UInt32 = 0
        for n in 0..<4 { word |= UInt32(bytes[i * 4 + n]) << UInt32(n * 8) }
        return word
    }

    /// Another key's bytes for one use.
    func derive(_ label: StaticString, _ context: UnsafeRawBufferPointer) -> Digest384 {
        unsafe withUnsafeBytes(of: bytes) { unsafe Self.derive($0, label, context) }
    }

    /// The key derivation function in counter mode (SP 800-108r1, section 4.1) with HMAC-SHA-384; its first block is enough.
    private static func derive(
        _ key: UnsafeRawBufferPointer, _ label: StaticString, _ context: UnsafeRawBufferPointer
    ) -> Digest384 {
        var code = unsafe HMAC384(key)
        code.put(word: 1)
        unsafe code.put(UnsafeRawBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
        code.put(0)
        unsafe code.put(context)
        code.put(word: UInt32(Digest384.bytes * 8))
        return code.finish()
    }
}
