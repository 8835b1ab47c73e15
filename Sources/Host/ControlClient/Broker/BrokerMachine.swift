import Control

/// A broker's end of the machine's link: one request under way at a time, sent again while no reply comes.
final class BrokerMachine {
    struct PendingRequest {
        /// Nil when the broker itself asked, or the tool that asked has gone.
        weak var client: BrokerClient?
        var header: FrameHeader
        var bytes: [UInt8]
        var sentAgain: Deadline
        var givenUp: Deadline
    }

    let stream: ByteStream
    private var receiver = FrameReceiver()
    private var outgoing: ArraySlice<UInt8> = []
    private(set) var current: PendingRequest?
    private var sequence = UInt32.random(in: 0...UInt32.max)
    /// Whether it has ever answered. Before that its firmware may be in charge, and what is sent now is read later.
    private(set) var hasAnswered = false
    private let timeouts: LinkBroker.Timeouts

    init(_ stream: ByteStream, _ timeouts: LinkBroker.Timeouts) {
        self.stream = stream
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
        current = PendingRequest(
            client: client, header: frame.header, bytes: bytes,
            sentAgain: Deadline(timeouts.clock, after: timeouts.resendAfter),
            givenUp: Deadline(timeouts.clock, after: timeouts.giveUpAfter))
        client?.inFlight = frame.header.sequence
        outgoing += bytes
    }

    /// Takes what the machine sent: calls `event` for events, answers the tool for its reply. Throws when it hung up.
    func read(event: (ArrivedFrame) -> Void) throws(LinkError) {
        for byte in try stream.receiveNow() {
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
        let header = FrameHeader(kind: .request, sequence: 0)
        begin(ArrivedFrame(header: header, payload: (try? ControlRequest(.hello).payload()) ?? []), for: nil)
    }

    func write() throws(LinkError) {
        guard !outgoing.isEmpty else { return }
        outgoing = outgoing.dropFirst(try stream.sendNow(outgoing))
    }

    /// Sends the current request again when that is due; gives it up, and returns it, when that is due.
    func tick() -> PendingRequest? {
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
