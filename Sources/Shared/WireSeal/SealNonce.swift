import Trust

/// A number of 128 bits that an end of a sealed wire uses for one session; 0 is none.
package struct SealNonce: Equatable, Sendable {
    package private(set) var high: UInt64 = 0
    package private(set) var low: UInt64 = 0
    static let none = SealNonce()
    static let size = 16

    private init() {}

    /// Draws one: new by the processor's random numbers, and where these are worse than they should be, by the key and the time.
    /// - Parameters:
    ///   - random: 64 random bits; nil where there are none.
    ///   - now: the time, and `count`, how many were drawn before.
    init?(_ key: SealKey, random: () -> UInt64?, now: UInt64, count: UInt64) {
        var words: [6 of UInt64] = [0, 0, 0, 0, now, count]
        for i in 0..<4 {
            guard let word = random() else { return nil }
            words[i] = word
        }
        // What always says the same is broken.
        if words[0] == words[1], words[1] == words[2], words[2] == words[3] { return nil }
        let digest = unsafe withUnsafeBytes(of: words) { unsafe key.derive("nonce", $0) }
        (high, low) = (digest.words[0], digest.words[1])
        if self == .none { return nil }
    }

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        unsafe high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        unsafe low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
    }

    func store(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: offset, as: UInt64.self)
        unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
    }
}
