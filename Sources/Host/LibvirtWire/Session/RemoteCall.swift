/// A call of a client, from its arguments to its answer, of which there is exactly one.
public final class RemoteCall {
    public let header: PacketHeader
    /// Empty once its procedure has returned: a call that waits for its answer does not keep its packet.
    public var arguments: XDRReader
    /// The domain that it names first, as it claims; nil: none. What a procedure finds out it may put here.
    public var domain: WireDomain?
    /// The names of that domain and of its place, as they are when it is carried out.
    public var subject: (domain: String, place: String)?
    /// Why it was allowed or refused, for those who write that down.
    public var reason: String?
    /// Whether it may change something and was allowed to.
    public var isChange = false
    private var send: ((RemoteCall, Packet, RemoteError.Code?) -> Void)?

    init(_ packet: Packet, send: @escaping (RemoteCall, Packet, RemoteError.Code?) -> Void) {
        header = packet.header
        arguments = XDRReader(packet.payload)
        self.send = send
    }

    public var isAnswered: Bool { send == nil }

    /// libvirt's name of its procedure; nil: it has none.
    public var name: String? {
        header.program == RemoteProgram.number ? ProcedureNames.known(header.procedure) : nil
    }

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
        send(self, packet, error)
    }
}
