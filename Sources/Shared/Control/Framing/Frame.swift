/// The frame that carries one message over a raw byte stream, a serial line for example.
///
/// Framing is that of RFC 1662, section 4 (asynchronous HDLC-like framing): a frame stands between two flags (7Eh);
/// inside it 7Eh, 7Dh and the flow control characters 11h and 13h are sent as 7Dh followed by the byte with bit 5
/// inverted. A flag therefore never appears inside a frame, and a receiver that lost its place finds it at the next one.
///
/// | Bytes | Field |
/// |---|---|
/// | 0 | version of the protocol, 1 |
/// | 1 | kind: 1 request, 2 reply, 3 event |
/// | 2-3 | length of the payload, at most 2048, most significant byte first |
/// | 4-7 | sequence number, most significant byte first |
/// | 8... | payload: one CBOR item |
/// | last 4 | CRC-32C of all bytes before it, least significant byte first |
///
/// The first eight bytes and the checksum keep their place in all later versions, so that a peer of another version gets
/// an answer that it can read.
public enum Frame {
    public static let version: UInt8 = 1
    public static let maxPayload = 2048
    static let headerSize = 8
    static let checksumSize = 4
    static let flag: UInt8 = 0x7E
    static let escape: UInt8 = 0x7D
    static let escapeBit: UInt8 = 0x20

    static func mustEscape(_ byte: UInt8) -> Bool { byte == flag || byte == escape || byte == 0x11 || byte == 0x13 }
}

/// What a frame carries, and so who may send it.
public enum FrameKind: UInt8, Sendable {
    /// From a manager to the hypervisor.
    case request = 1
    /// From the hypervisor, with the sequence number of the request that it answers.
    case reply = 2
    /// From the hypervisor, unasked; numbered by itself, so that a gap shows.
    case event = 3
}

/// The header of a frame.
public struct FrameHeader: Equatable, Sendable {
    public var version: UInt8
    public var kind: FrameKind
    public var sequence: UInt32

    public init(version: UInt8 = Frame.version, kind: FrameKind, sequence: UInt32) {
        (self.version, self.kind, self.sequence) = (version, kind, sequence)
    }
}
