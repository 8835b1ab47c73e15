import Control

/// One tool that is connected to a broker.
final class BrokerClient {
    /// More requests than this wait in the tool's socket.
    static let maxQueued = 16
    /// A tool that leaves more than this unread is disconnected.
    static let maxUnread = 1 << 20

    let stream: ByteStream
    private var receiver = FrameReceiver()
    private var outgoing: ArraySlice<UInt8> = []
    /// Requests that wait for the machine, in the order in which they came.
    private(set) var queue: [ArrivedFrame] = []
    /// The request that the machine is answering now.
    var inFlight: UInt32?
    var wantsEvents = false
    /// Kept for a tool that asks again because it grew impatient: the machine must not do it twice.
    private var lastReply: ArrivedFrame?

    init(_ stream: ByteStream) { self.stream = stream }

    var mayRead: Bool { queue.count < Self.maxQueued && outgoing.count < Self.maxUnread / 2 }
    var mustWrite: Bool { !outgoing.isEmpty }

    /// Takes what the tool sent. Throws when it hung up.
    func read() throws(LinkError) {
        for byte in try stream.receiveNow() {
            guard let arrival = receiver.receive(byte) else { continue }
            switch arrival {
            case .frame(let header): take(ArrivedFrame(header: header, payload: receiver.payloadCopy))
            case .oversized(let header): answer(header, .oversized)
            case .malformed(let header): answer(header, .malformed)
            }
        }
    }

    private func take(_ frame: ArrivedFrame) {
        let sequence = frame.header.sequence
        guard frame.header.kind == .request else { return }
        if sequence == inFlight || queue.contains(where: { $0.header.sequence == sequence }) { return }
        if let lastReply, lastReply.header.sequence == sequence { return send(lastReply) }
        queue.append(frame)
    }

    func nextRequest() -> ArrivedFrame? { queue.isEmpty ? nil : queue.removeFirst() }

    func answer(_ frame: ArrivedFrame) {
        inFlight = nil
        lastReply = frame
        send(frame)
    }

    /// Answers with nothing but a status.
    func answer(_ request: FrameHeader, _ status: ControlStatus) {
        let header = FrameHeader(kind: .reply, sequence: request.sequence)
        answer(ArrivedFrame(header: header, payload: status.payload))
    }

    func send(_ frame: ArrivedFrame) { outgoing += frame.encoded }

    /// Writes what the tool's socket takes. Throws when it hung up or reads too slowly.
    func write() throws(LinkError) {
        guard !outgoing.isEmpty else { return }
        outgoing = outgoing.dropFirst(try stream.sendNow(outgoing))
        if outgoing.count > Self.maxUnread { throw .streamFailed(path: stream.path, reason: "it does not read") }
    }
}
