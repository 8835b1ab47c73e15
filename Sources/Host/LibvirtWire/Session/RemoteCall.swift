/// A call of a client, from its arguments to its answer, of which there is exactly one.
public final class RemoteCall {
    public let header: PacketHeader
    /// Empty once its procedure has returned: a call that waits for its answer does not keep its packet.
    public var arguments: XDRReader
    private var send: ((Packet) -> Void)?

    init(_ packet: Packet, send: @escaping (Packet) -> Void) {
        header = packet.header
        arguments = XDRReader(packet.payload)
        self.send = send
    }

    public var isAnswered: Bool { send == nil }

    /// Answers with what a closure writes.
    public func reply(_ write: (inout XDRWriter) -> Void = { _ in }) {
        answer(Packet(header.answer(), XDRWriter.bytes(write)))
    }

    public func fail(_ error: RemoteError) { answer(Packet(header.answer(.reply, .error), error.encoded)) }

    private func answer(_ packet: Packet) {
        guard let send else { return }
        self.send = nil
        send(packet)
    }
}
