import CBOR
import Records

/// The hypervisor's end of the management link: bytes in, bytes out, one machine behind it. No heap, constant work for
/// each byte, at most one request or event for each `serve`.
///
/// The owner of the line calls, in any order and as often as it likes: `receive` with each byte that came (while
/// `canReceive`), `serve`, and `nextByte` while the line takes bytes.
public struct ControlServer: ~Copyable {
    private var receiver = FrameReceiver()
    private var arrival: FrameArrival?
    private var reply = FrameSender<2048>()
    private var event = FrameSender<256>()
    private var consoleBuffer = InlineArray<1024, UInt8>(repeating: 0)
    private var wantsEvents = false
    /// After each reply an event has its turn, so that a flood of requests cannot hold events back.
    private var eventIsDue = false
    private var eventSequence: UInt32 = 0
    /// Number and checksum of the last request that changed something, while `reply` still holds its reply.
    private var lastChange: (sequence: UInt32, checksum: UInt32)?
    /// Bytes that came while `canReceive` was false.
    public private(set) var overrunBytes: UInt64 = 0

    public init() {}

    /// False while a whole request waits for its turn. Bytes given in that time are lost, so leave them in the line.
    public var canReceive: Bool { arrival == nil }

    /// Takes one byte from the line.
    public mutating func receive(_ byte: UInt8) {
        if arrival == nil { arrival = receiver.receive(byte) } else { overrunBytes &+= 1 }
    }

    /// Whether `nextByte` has more.
    public var isSending: Bool { !reply.isIdle || !event.isIdle }

    /// The next byte for the line; nil when there is none now.
    public mutating func nextByte() -> UInt8? { reply.nextByte() ?? event.nextByte() }

    /// Answers one waiting request, or fetches one event. Does nothing while a frame is still being sent. Returns
    /// whether it did anything: call it again, once `nextByte` is nil, until it returns false.
    @discardableResult
    public mutating func serve<B: ControlBackend & ~Copyable>(_ backend: inout B) -> Bool {
        if isSending { return false }
        if eventIsDue || arrival == nil {
            eventIsDue = false
            if fetchEvent(&backend) { return true }
        }
        guard let arrival else { return false }
        self.arrival = nil
        eventIsDue = true
        switch arrival {
        case .frame(let frame): take(frame, &backend)
        case .oversized(let frame): refuse(frame, .oversized)
        case .malformed(let frame): refuse(frame, .malformed)
        }
        receiver.clear()
        return true
    }

    private mutating func fetchEvent<B: ControlBackend & ~Copyable>(_ backend: inout B) -> Bool {
        guard wantsEvents, let next = backend.nextEvent() else { return false }
        event.load(FrameHeader(kind: .event, sequence: eventSequence)) { output throws(CBORError) in
            var writer = CBORWriter(output)
            writer.message(next)
            return try writer.finish()
        }
        eventSequence &+= 1
        return true
    }

    /// Requests are answered; replies and events, which only an echoing line brings here, are not.
    private mutating func refuse(_ frame: FrameHeader, _ status: ControlStatus) {
        guard frame.kind == .request else { return }
        lastChange = nil
        reply.load(FrameHeader(kind: .reply, sequence: frame.sequence)) { output throws(CBORError) in
            var writer = CBORWriter(output)
            writer.reply(status, fields: 0)
            return try writer.finish()
        }
    }

    private mutating func take<B: ControlBackend & ~Copyable>(_ frame: FrameHeader, _ backend: inout B) {
        guard frame.kind == .request else { return }
        guard frame.version == Frame.version else { return refuse(frame, .unsupportedVersion) }
        do throws(ControlStatus) {
            let request = try ControlRequest.decode(receiver.payload)
            let checksum = CRC32C(receiver.payload).value
            let isRepeatable = request.operation.description.isRepeatable
            if !isRepeatable, let last = lastChange, last == (frame.sequence, checksum) { return reply.rewind() }
            if request.operation == .events { wantsEvents = request.on }
            let header = FrameHeader(kind: .reply, sequence: frame.sequence)
            // Only a backend that breaks its contract (text that is no UTF-8, say) makes a reply that is none.
            guard Self.load(header, request, receiver, &reply, &consoleBuffer, &backend) else { throw .failed }
            lastChange = isRepeatable ? nil : (frame.sequence, checksum)
        } catch { refuse(frame, error) }
    }

    private static func load<B: ControlBackend & ~Copyable>(
        _ header: FrameHeader, _ request: ControlRequest, _ receiver: borrowing FrameReceiver,
        _ reply: inout FrameSender<2048>, _ buffer: inout InlineArray<1024, UInt8>, _ backend: inout B
    ) -> Bool {
        let data = receiver.payload.extracting(request.data)
        var scratch = buffer.mutableSpan
        return reply.load(header) { output throws(CBORError) in
            try backend.reply(to: request, data, &scratch, damaged: receiver.damaged, into: output)
        }
    }
}
