import AESGCM
import Trust

/// What two ends of a sealed wire have agreed on: keys that nobody has used before, one for each direction.
package struct SealedSession: Sendable {
    package let own: SealNonce
    package let peer: SealNonce
    /// The numbers that frames of this end bear, and those of the other.
    let sendID: UInt32
    let receiveID: UInt32
    private var sendKey = aesgcm_key()
    private var receiveKey = aesgcm_key()
    /// Frames that this end has sealed.
    package var sent: UInt64 = 0
    private var window = ReplayWindow()
    /// Frames of one direction, at most: with 95 blocks each, 2 to the 43rd, far below the square root of all blocks.
    package static let frames: UInt64 = 1 << 36

    init(_ key: SealKey, own: SealNonce, peer: SealNonce) {
        (self.own, self.peer) = (own, peer)
        sendID = Self.prepare(&sendKey, key, from: own, to: peer)
        receiveID = Self.prepare(&receiveKey, key, from: peer, to: own)
    }

    private static func prepare(
        _ ready: inout aesgcm_key, _ key: SealKey, from sender: SealNonce, to receiver: SealNonce
    ) -> UInt32 {
        var nonces = [32 of UInt8](repeating: 0)
        let digest = unsafe withUnsafeMutableBytes(of: &nonces) { bytes in
            unsafe sender.store(to: bytes, at: 0)
            unsafe receiver.store(to: bytes, at: SealNonce.size)
            return unsafe key.derive("frames", UnsafeRawBufferPointer(bytes))
        }
        let secret = SealKey(digest).bytes
        unsafe secret.span.withUnsafeBufferPointer { unsafe aesgcm_prepare(&ready, $0.baseAddress) }
        // Behind the key; 0 is no session's.
        return UInt32(truncatingIfNeeded: digest.words[4] >> 32) | 1
    }

    /// Whether this end may send no more.
    var isUsedUp: Bool { sent >= Self.frames }

    /// Seals a frame whose header is there but for number and counter.
    /// - Parameter count: bytes of all in front of the tag.
    /// - Returns: bytes with the tag.
    mutating func seal(_ frame: UnsafeMutableRawBufferPointer, count: Int) -> Int {
        unsafe frame.storeBytes(of: sendID.bigEndian, toByteOffset: SealLayout.session, as: UInt32.self)
        unsafe frame.storeBytes(of: sent.bigEndian, toByteOffset: SealLayout.counter, as: UInt64.self)
        let start = unsafe frame.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        // The nonce is session and counter (SP 800-38D, section 8.2.1), which lie one behind the other.
        unsafe aesgcm_seal(
            &sendKey, start + SealLayout.session, start, SealLayout.content, start + SealLayout.content,
            count - SealLayout.content, start + count)
        sent += 1
        return count + SealLayout.tagSize
    }

    /// What a frame is that bears this session's number.
    enum Found { case authentic, seen, forged }

    /// Opens one, once.
    mutating func open(_ frame: UnsafeMutableRawBufferPointer, count: Int) -> Found {
        let counter = unsafe UInt64(
            bigEndian: frame.loadUnaligned(fromByteOffset: SealLayout.counter, as: UInt64.self))
        guard counter < Self.frames, window.admits(counter) else { return .seen }
        let start = unsafe frame.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        let end = count - SealLayout.tagSize
        let isAuthentic = unsafe aesgcm_open(
            &receiveKey, start + SealLayout.session, start, SealLayout.content, start + SealLayout.content,
            end - SealLayout.content, start + end)
        guard isAuthentic != 0 else { return .forged }
        window.take(counter)
        return .authentic
    }
}
