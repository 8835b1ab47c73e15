import Control

/// A broker's end of the machine's link: one request under way at a time, sent again while no reply comes.
final class BrokerMachine {
    struct Request {
        /// Nil when the broker itself asked, or the tool that asked has gone.
        weak var client: BrokerClient?
        var header: FrameHeader
        var bytes: [UInt8]
        var sentAgain: Deadline
        var givenUp: Deadline
    }

    let line: ByteStream
    private var receiver = FrameReceiver()
    private var outgoing: ArraySlice<UInt8> = []
    private(set) var current: Request?
    private var sequence = UInt32.random(in: 0...UInt32.max)
    /// Whether it has ever answered. Before that its firmware may be in charge, and what is sent now is read later.
    private(set) var hasAnswered = false
    private let timeouts: LinkBroker.Timeouts

    init(_ line: ByteStream, _ timeouts: LinkBroker.Timeouts) {
        self.line = line
        self.timeouts = timeouts
    }

    var mustWrite: Bool { !outgoing.isEmpty }

    /// How long until something is due even if nothing comes, at least.
    var due: Duration? { current.map { min($0.sentAgain.left, $0.givenUp.left) } }

    func begin(_ frame: ArrivedFrame, for client: BrokerClient?) {
        sequence &+= 1
        var outbound = frame
        outbound.header.sequence = sequence
        let bytes = outbound.encoded
        current = Request(
            client: client, header: frame.header, bytes: bytes,
            sentAgain: Deadline(timeouts.clock, after: timeouts.resendAfter),
            givenUp: Deadline(timeouts.clock, after: timeouts.giveUpAfter))
        client?.inFlight = frame.header.sequence
        outgoing += bytes
    }

    /// Takes what the machine sent: calls `event` for events, answers the tool for its reply. Throws when it hung up.
    func read(event: (ArrivedFrame) -> Void) throws(LinkError) {
        for byte in try line.receiveNow() {
            guard var frame = receiver.frame(after: byte) else { continue }
            if frame.header.kind == .event { event(frame) }
            guard frame.header.kind == .reply, let request = current, frame.header.sequence == sequence else {
                continue
            }
            current = nil
            hasAnswered = true
            frame.header.sequence = request.header.sequence
            request.client?.answer(frame)
        }
    }

    /// Asks the machine whether it is there.
    func probe() {
        var payload = [UInt8](repeating: 0, count: 16)
        let none: [UInt8] = []
        let count = (try? ControlRequest(.hello).encode(into: payload.mutableSpan, data: none.span)) ?? 0
        let header = FrameHeader(kind: .request, sequence: 0)
        begin(ArrivedFrame(header: header, payload: Array(payload[..<count])), for: nil)
    }

    func write() throws(LinkError) {
        guard !outgoing.isEmpty else { return }
        outgoing = outgoing.dropFirst(try line.sendNow(outgoing))
    }

    /// Sends the current request again when that is due; gives it up, and returns it, when that is due.
    func tick() -> Request? {
        guard var request = current else { return nil }
        if request.givenUp.isOver {
            current = nil
            return request
        }
        if request.sentAgain.isOver {
            // Half of a request still waits in `outgoing` when the machine does not read: more would not help.
            if outgoing.isEmpty { outgoing += request.bytes }
            request.sentAgain = Deadline(timeouts.clock, after: timeouts.resendAfter)
            current = request
        }
        return nil
    }
}
