import Trust

/// HMAC (FIPS 198-1) with SHA-384.
struct HMAC384: Sendable {
    private var inner = SHA384()
    private var outer = SHA384()
    /// Bytes of a block of SHA-384.
    private static let block = 128

    /// - Precondition: `key` has at most 128 bytes.
    init(_ key: UnsafeRawBufferPointer) {
        for i in 0..<Self.block {
            let byte = unsafe i < key.count ? key[i] : 0
            inner.put(byte ^ 0x36)
            outer.put(byte ^ 0x5C)
        }
    }

    mutating func put(_ byte: UInt8) { inner.put(byte) }
    /// The most significant byte first.
    mutating func put(word: UInt32) { for i in 1...4 { put(UInt8(truncatingIfNeeded: word >> UInt32(32 - i * 8))) } }
    mutating func put(_ bytes: UnsafeRawBufferPointer) { unsafe inner.put(bytes) }

    /// Nothing may come afterwards.
    mutating func finish() -> Digest384 {
        let digest = inner.finish()
        for i in 0..<Digest384.bytes { outer.put(digest[i]) }
        return outer.finish()
    }
}
