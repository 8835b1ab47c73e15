import Control
import Foundation
import Manifest

/// A manager's end of the link: one request at a time, each with a time limit. Used by one thread.
public final class ControlClient {
    private let stream: ByteStream
    private var receiver = FrameReceiver()
    /// Bytes received and not yet looked at.
    private var pending: ArraySlice<UInt8> = []
    private var sequence = UInt32.random(in: 0...UInt32.max)
    private var events: [NumberedEvent] = []
    private var nextEventSequence: UInt32?
    /// What the limits below are measured by.
    public var clock: any WaitClock = HostClock()
    /// How long a request may take in all.
    public var timeout = Duration.seconds(5)
    /// A request is sent again, with the same number, when no reply came in this time: serial lines lose bytes.
    public var resendAfter = Duration.seconds(1)
    /// Called when a machine that has answered before answers no more: whoever knows more of it can say what it is doing.
    public var whenSilent: () -> Void = {}
    private var hasAnswered = false
    /// Events kept for `nextEvent`; of more, the oldest are dropped and counted as missed.
    static let maxEvents = 1024

    public init(_ stream: ByteStream) { self.stream = stream }

    /// Connects to the UNIX socket or serial line at `path`.
    public convenience init(path: String) throws(LinkError) { self.init(try ByteStream.open(path)) }

    /// How the machine is called in messages.
    public var path: String { stream.path }
    public var descriptor: Int32 { stream.descriptor }

    /// Sends a request and returns its reply, whose status is `ok`.
    func exchange(_ request: ControlRequest, data: [UInt8] = []) throws(LinkError) -> ReceivedReply {
        guard let payload = try? request.payload(data: data) else {
            throw .unwritable("\"\(request.operation.name)\" of this size does not fit a message")
        }
        sequence &+= 1
        let header = FrameHeader(kind: .request, sequence: sequence)
        let bytes = ArrivedFrame(header: header, payload: payload).encoded
        let deadline = Deadline(clock, after: timeout)
        while !deadline.isOver {
            try stream.send(bytes)
            let sentAgain = Deadline(clock, after: min(resendAfter, deadline.left))
            let reply = try next(until: sentAgain) { [sequence] frame in
                frame.header.kind == .reply && frame.header.sequence == sequence
            }
            guard let reply else { continue }
            guard let read = try? ReceivedReply(reply.payload) else {
                throw .unreadable(path: path, operation: request.operation)
            }
            if read.status == .noAnswer, hasAnswered { whenSilent() }
            hasAnswered = hasAnswered || read.status != .noAnswer
            guard read.status == .ok else {
                let name = request.partition.string
                throw .refused(read.status, request.operation, partition: name.isEmpty ? nil : name)
            }
            return read
        }
        if hasAnswered { whenSilent() }
        throw .noAnswer(path: path, seconds: timeout / .seconds(1))
    }

    /// Receives until a frame that is wanted; keeps the events that come meanwhile. Nil when `deadline` comes first.
    private func next(
        until deadline: Deadline, where isWanted: (ArrivedFrame) -> Bool
    ) throws(LinkError) -> ArrivedFrame? {
        while true {
            while let byte = pending.popFirst() {
                guard let frame = receiver.frame(after: byte) else { continue }
                if isWanted(frame) { return frame }
                if frame.header.kind == .event { keep(frame) }
            }
            guard !deadline.isOver else { return nil }
            pending = try stream.receive(timeout: max(deadline.left, .milliseconds(1)))[...]
        }
    }

    private func keep(_ frame: ArrivedFrame) {
        guard let event = try? ControlEvent(frame.payload) else { return }
        let gap = nextEventSequence.map { UInt64(frame.header.sequence &- $0) } ?? 0
        nextEventSequence = frame.header.sequence &+ 1
        events.append(NumberedEvent(sequence: frame.header.sequence, event: event, missed: gap &+ event.lost))
        guard events.count > Self.maxEvents else { return }
        let dropped = events.removeFirst()
        events[0].missed &+= dropped.missed &+ 1
    }

    /// Turns the stream of events on or off.
    public func subscribe(_ on: Bool = true) throws(LinkError) {
        var request = ControlRequest(.events)
        request.on = on
        _ = try exchange(request)
    }

    /// The next event, once `subscribe` was called; nil when none came within `timeout`.
    public func nextEvent(timeout: Duration) throws(LinkError) -> NumberedEvent? {
        let deadline = Deadline(clock, after: timeout)
        while events.isEmpty {
            let frame = try next(until: deadline) { $0.header.kind == .event }
            guard let frame else { return nil }
            keep(frame)
        }
        return events.removeFirst()
    }
}
