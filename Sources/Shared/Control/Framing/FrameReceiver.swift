import Records

/// What a receiver says when a flag ended a frame whose checksum is right.
public enum FrameArrival: Equatable, Sendable {
    /// A whole frame; its payload stays readable until the next byte is received.
    case frame(FrameHeader)
    /// The payload is longer than `Frame.maxPayload`.
    case oversized(FrameHeader)
    /// The length field disagrees with the bytes that came.
    case malformed(FrameHeader)
}

/// Finds frames in a byte stream. Constant work and memory for each byte, whatever arrives.
public struct FrameReceiver: ~Copyable {
    /// Header, payload and checksum.
    private var bytes = InlineArray<2060, UInt8>(repeating: 0)
    private var crc = CRC32C()
    /// Bytes of the frame so far, header and checksum included; stops counting far above the largest frame.
    private var count = 0
    private var inFrame = false
    private var escaped = false
    /// The payload's length in bytes, valid after `.frame` was returned and until the next byte.
    public private(set) var payloadCount = 0
    /// Frames that were dropped because they were damaged (checksum, too short, unknown kind).
    public private(set) var damaged: UInt32 = 0

    public init() {}

    /// The payload of the frame that the last `receive` returned; empty otherwise.
    public var payload: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { bytes.span.extracting(Frame.headerSize..<(Frame.headerSize + payloadCount)) }
    }

    /// Clears what has come: a frame may carry what was typed for a guest.
    public mutating func clear() {
        payloadCount = 0
        bytes = InlineArray(repeating: 0)
    }

    /// Takes the next byte of the stream. Returns what arrived when the byte ended a frame, nil otherwise.
    public mutating func receive(_ byte: UInt8) -> FrameArrival? {
        payloadCount = 0
        if byte == Frame.flag { return endFrame() }
        guard inFrame else { return nil }
        if byte == Frame.escape {
            // Two escapes in a row are no frame of ours: skip to the next flag.
            if escaped { discard() } else { escaped = true }
            return nil
        }
        append(escaped ? byte ^ Frame.escapeBit : byte)
        escaped = false
        return nil
    }

    private mutating func append(_ byte: UInt8) {
        crc.add(byte)
        if count < bytes.count { bytes[count] = byte }
        // Saturates: an endless frame must not wrap around into a short one.
        if count < 1 << 30 { count &+= 1 }
    }

    private mutating func discard() {
        inFrame = false
        damaged &+= 1
    }

    /// A flag ends one frame and opens the next.
    private mutating func endFrame() -> FrameArrival? {
        let arrival = inFrame && count > 0 ? check() : nil
        if arrival == nil, count > Frame.headerSize { clear() }
        inFrame = true
        escaped = false
        count = 0
        crc = CRC32C()
        return arrival
    }

    private mutating func check() -> FrameArrival? {
        let overhead = Frame.headerSize + Frame.checksumSize
        guard !escaped, count >= overhead, crc.endsWithItsOwnValue, let kind = FrameKind(rawValue: bytes[1]) else {
            damaged &+= 1
            return nil
        }
        var sequence: UInt32 = 0
        for i in 4..<8 { sequence = sequence << 8 | UInt32(bytes[i]) }
        let frame = FrameHeader(version: bytes[0], kind: kind, sequence: sequence)
        let size = count &- overhead
        if size > Frame.maxPayload { return .oversized(frame) }
        guard size == Int(bytes[2]) << 8 | Int(bytes[3]) else { return .malformed(frame) }
        payloadCount = size
        return .frame(frame)
    }
}
