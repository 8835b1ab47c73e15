import Records

/// Sends one frame at a time, byte by byte, from a payload that it holds.
public struct FrameSender<let capacity: Int>: ~Copyable {
    private var payload = InlineArray<capacity, UInt8>(repeating: 0)
    private var payloadCount = 0
    private var header = InlineArray<8, UInt8>(repeating: 0)
    private var crc = CRC32C()
    /// The next byte of header, payload and checksum; -1 before the opening flag.
    private var position = 0
    /// The second half of an escaped byte, when it is due.
    private var escaped: UInt8?
    public private(set) var isIdle = true

    public init() {}

    /// Loads a frame whose payload `body` writes, from the buffer's first byte on; it returns the payload's length.
    /// False, and nothing to send, when it throws. Abandons a frame that is still being sent: call it when `isIdle`.
    @discardableResult
    public mutating func load<E: Error>(
        _ frame: FrameHeader, _ body: (consuming MutableSpan<UInt8>) throws(E) -> Int
    ) -> Bool {
        isIdle = true
        do throws(E) {
            payloadCount = min(max(try body(payload.mutableSpan), 0), min(capacity, Frame.maxPayload))
        } catch {
            return false
        }
        header[0] = frame.version
        header[1] = frame.kind.rawValue
        header[2] = UInt8(truncatingIfNeeded: payloadCount >> 8)
        header[3] = UInt8(truncatingIfNeeded: payloadCount)
        for i in 0..<4 { header[4 + i] = UInt8(truncatingIfNeeded: frame.sequence >> UInt32(24 - 8 * i)) }
        rewind()
        return true
    }

    /// Sends the frame that was loaded last once more, from its beginning.
    public mutating func rewind() {
        crc = CRC32C()
        escaped = nil
        position = -1
        isIdle = false
    }

    /// The next byte for the line; nil when the frame is sent.
    public mutating func nextByte() -> UInt8? {
        if isIdle { return nil }
        if let second = escaped {
            escaped = nil
            return second
        }
        if position < 0 {
            position = 0
            return Frame.flag
        }
        let checksumStart = Frame.headerSize &+ payloadCount
        let byte: UInt8
        if position < Frame.headerSize {
            byte = header[position]
            crc.add(byte)
        } else if position < checksumStart {
            byte = payload[position &- Frame.headerSize]
            crc.add(byte)
        } else if position < checksumStart &+ Frame.checksumSize {
            byte = UInt8(truncatingIfNeeded: crc.value >> UInt32(8 &* (position &- checksumStart)))
        } else {
            isIdle = true
            return Frame.flag
        }
        position &+= 1
        guard Frame.mustEscape(byte) else { return byte }
        escaped = byte ^ Frame.escapeBit
        return Frame.escape
    }
}
