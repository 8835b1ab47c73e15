import Control

/// A frame with a copy of its payload.
public struct ArrivedFrame: Equatable, Sendable {
    public var header: FrameHeader
    public var payload: [UInt8]

    public init(header: FrameHeader, payload: [UInt8]) {
        self.header = header
        self.payload = payload
    }
}

extension FrameReceiver {
    /// Takes one byte; returns a copy of the frame that it completed, if it did. Frames that are oversized or whose
    /// length is wrong are dropped like damaged ones: a peer that sends such is no Bulkhead.
    public mutating func frame(after byte: UInt8) -> ArrivedFrame? {
        guard case .frame(let header)? = receive(byte) else { return nil }
        return ArrivedFrame(header: header, payload: payloadCopy)
    }

    /// A copy of the payload of the frame that has just come.
    public var payloadCopy: [UInt8] {
        let payload = payload
        return (0..<payload.count).map { payload[$0] }
    }
}

extension ArrivedFrame {
    /// The bytes that go over the link.
    public var encoded: [UInt8] {
        var sender = FrameSender<2048>()
        sender.load(header) { output in
            var output = output
            for i in 0..<min(payload.count, Frame.maxPayload) { output[i] = payload[i] }
            return payload.count
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 16)
        while let byte = sender.nextByte() { bytes.append(byte) }
        return bytes
    }
}
