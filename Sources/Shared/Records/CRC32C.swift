/// The Castagnoli checksum (RFC 3720, appendix B.4): reflected polynomial 82F63B78h. It finds each error burst of up to
/// 32 bits, which is what a serial line suffers from.
public struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    public init() {}

    /// The checksum of all of `bytes`.
    public init(_ bytes: borrowing Span<UInt8>) {
        for i in 0..<bytes.count { add(bytes[i]) }
    }

    /// The checksum of all bytes added so far.
    public var value: UInt32 { ~state }

    /// Whether the bytes added so far end with the checksum, least significant byte first, of those before it.
    public var endsWithItsOwnValue: Bool { state == 0xB798_B438 }

    /// Eight steps of shift and subtract: no table, so that nothing is added to the image for it.
    public mutating func add(_ byte: UInt8) {
        state ^= UInt32(byte)
        for _ in 0..<8 { state = (state >> 1) ^ (0x82F6_3B78 & (0 &- (state & 1))) }
    }
}
