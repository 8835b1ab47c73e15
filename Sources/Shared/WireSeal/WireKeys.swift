import Text
import Trust

/// What is derived from a sealed end's key and its channel's name: the channels of one partition do not take each other's frames.
package struct WireKeys: Sendable {
    /// For the codes of greetings, and for the keys of sessions.
    let greeting: SealKey
    package let session: SealKey
    /// By which ends with the same key know each other's frames; no secret.
    let pair: [3 of UInt8]

    package init(_ key: SealKey, _ name: Text<31>) {
        let digest: Digest384 = unsafe name.bytes.span.withUnsafeBytes {
            unsafe key.derive("greeting", UnsafeRawBufferPointer(rebasing: $0[..<name.count]))
        }
        greeting = SealKey(digest)
        pair = [digest[SealKey.size], digest[SealKey.size + 1], digest[SealKey.size + 2]]
        session = unsafe SealKey(
            name.bytes.span.withUnsafeBytes {
                unsafe key.derive("session", UnsafeRawBufferPointer(rebasing: $0[..<name.count]))
            })
    }

    /// Makes a frame, behind its addresses, one of these ends'.
    func mark(_ frame: UnsafeMutableRawBufferPointer, _ kind: UInt8) {
        unsafe frame.storeBytes(of: SealLayout.etherType.bigEndian, toByteOffset: SealLayout.type, as: UInt16.self)
        unsafe frame[SealLayout.kind] = kind
        for i in 0..<3 { unsafe frame[SealLayout.pair + i] = pair[i] }
    }

    /// Whether it says that it is, which everybody can write.
    func areMarked(_ frame: UnsafeMutableRawBufferPointer, _ count: Int) -> Bool {
        guard count >= SealLayout.counter else { return false }
        for i in 0..<3 where unsafe frame[SealLayout.pair + i] != pair[i] { return false }
        let type = unsafe frame.loadUnaligned(fromByteOffset: SealLayout.type, as: UInt16.self)
        let kind = unsafe frame[SealLayout.kind]
        return UInt16(bigEndian: type) == SealLayout.etherType && (kind == SealLayout.hello || kind == SealLayout.data)
    }
}
