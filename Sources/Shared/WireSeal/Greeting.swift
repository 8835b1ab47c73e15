import Trust

/// What one end of a sealed wire tells the other of itself.
struct Greeting: Sendable {
    /// The sender's nonce for a session.
    var own: SealNonce
    /// The nonce of the end whose greeting it answers; none where it answers nobody.
    var answered: SealNonce
    /// The number of the session whose frames the sender takes now; 0: of none.
    var session: UInt32

    init(own: SealNonce, answered: SealNonce, session: UInt32) {
        (self.own, self.answered, self.session) = (own, answered, session)
    }

    /// Reads one; nil where nobody with the key has made it.
    init?(_ frame: UnsafeMutableRawBufferPointer, _ count: Int, _ keys: WireKeys) {
        guard count == SealLayout.helloSize else { return nil }
        let code = unsafe Self.code(frame, keys)
        var difference: UInt8 = 0
        for i in 0..<SealLayout.codeSize { unsafe difference |= code[i] ^ frame[SealLayout.code + i] }
        guard difference == 0 else { return nil }
        unsafe own = SealNonce(UnsafeRawBufferPointer(frame), at: SealLayout.own)
        unsafe answered = SealNonce(UnsafeRawBufferPointer(frame), at: SealLayout.answered)
        let number = unsafe frame.loadUnaligned(fromByteOffset: SealLayout.session, as: UInt32.self)
        session = UInt32(bigEndian: number)
    }

    /// Writes it as a frame for everybody.
    /// - Parameter address: the sender's, the first byte in bits 7:0.
    func write(_ frame: UnsafeMutableRawBufferPointer, _ keys: WireKeys, from address: UInt64) {
        for i in 0..<6 {
            unsafe frame[i] = 0xFF
            unsafe frame[6 + i] = UInt8(truncatingIfNeeded: address >> UInt64(i * 8))
        }
        unsafe keys.mark(frame, SealLayout.hello)
        unsafe frame.storeBytes(of: session.bigEndian, toByteOffset: SealLayout.session, as: UInt32.self)
        unsafe own.store(to: frame, at: SealLayout.own)
        unsafe answered.store(to: frame, at: SealLayout.answered)
        let code = unsafe Self.code(frame, keys)
        for i in 0..<SealLayout.codeSize { unsafe frame[SealLayout.code + i] = code[i] }
    }

    /// HMAC-SHA-384 of all that is before it, of which 32 bytes are sent.
    private static func code(_ frame: UnsafeMutableRawBufferPointer, _ keys: WireKeys) -> Digest384 {
        let key = keys.greeting.bytes
        var code = unsafe key.span.withUnsafeBytes { unsafe HMAC384($0) }
        unsafe code.put(UnsafeRawBufferPointer(rebasing: frame[..<SealLayout.code]))
        return code.finish()
    }
}
