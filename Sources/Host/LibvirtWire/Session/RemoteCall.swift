/// A call of a client, from its arguments to its answer, of which there is exactly one.
public final class RemoteCall {
    public let header: PacketHeader
    /// Empty once its procedure has returned: a call that waits for its answer does not keep its packet.
    public var arguments: XDRReader
    private var send: ((Packet, RemoteError.Code?) -> Void)?

    init(_ packet: Packet, send: @escaping (Packet, RemoteError.Code?) -> Void) {
        header = packet.header
        arguments = XDRReader(packet.payload)
        self.send = send
    }

    public var isAnswered: Bool { send == nil }

    /// Answers with what a closure writes.
    public func reply(_ write: (inout XDRWriter) -> Void = { _ in }) {
        answer(Packet(header.answer(), XDRWriter.bytes(write)))
    }

    public func fail(_ error: RemoteError) {
        answer(Packet(header.answer(.reply, .error), error.encoded), error.code)
    }

    private func answer(_ packet: Packet, _ error: RemoteError.Code? = nil) {
        guard let send else { return }
        self.send = nil
        send(packet, error)
    }
}

/// A call that was answered, for those who count.
public struct AnsweredCall: Sendable {
    /// Of those that libvirt has a name for.
    public let procedure: String?
    /// nil: it did what it was to do.
    public let error: RemoteError.Code?
    /// From when it had come whole to its answer.
    public let time: Duration

    public init(procedure: String?, error: RemoteError.Code?, time: Duration) {
        (self.procedure, self.error, self.time) = (procedure, error, time)
    }
}
