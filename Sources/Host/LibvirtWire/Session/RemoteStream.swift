/// A stream of bytes beside the calls of a connection, opened by one of them.
public final class RemoteStream {
    let header: PacketHeader
    private weak var session: (any StreamCarrier)?
    /// Called with what the client sends.
    public var received: ([UInt8]) -> Void = { _ in }
    /// Called once when the client ends it, gives it up, or the connection ends. True: everything was sent.
    public var ended: (Bool) -> Void = { _ in }
    private var isOpen = true
    private var hasSentEnd = false

    init(_ call: PacketHeader, _ session: any StreamCarrier) { (header, self.session) = (call, session) }

    /// Whether the client's end of the connection takes bytes quickly enough: send nothing while it does not.
    public var isReady: Bool { isOpen && !hasSentEnd && session?.isReady == true }

    /// Sends bytes to the client, in packets as large as the protocol allows.
    public func send(_ bytes: [UInt8]) {
        guard isOpen, !hasSentEnd else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(Packet.maxStreamData)
            rest = rest.dropFirst(part.count)
            session?.send(Packet(header.answer(.stream, .more), Array(part)))
        }
    }

    /// There will be no more bytes. The client then ends the stream.
    public func end() {
        guard isOpen, !hasSentEnd else { return }
        hasSentEnd = true
        session?.send(Packet(header.answer(.stream, .more)))
    }

    /// Ends it at once, for a reason.
    public func fail(_ error: RemoteError) {
        guard isOpen else { return }
        session?.send(Packet(header.answer(.stream, .error), error.encoded))
        close(complete: false)
    }

    /// A packet of the client's.
    func receive(_ packet: Packet) {
        switch packet.header.status {
        case .more: received(packet.payload)
        case .ok, .error:
            session?.send(Packet(header.answer(.stream)))
            close(complete: packet.header.status == .ok)
        }
    }

    func close(complete: Bool) {
        guard isOpen else { return }
        isOpen = false
        session?.forget(header.serial)
        ended(complete)
        (received, ended) = ({ _ in }, { _ in })
    }
}

/// What a stream needs of its connection.
protocol StreamCarrier: AnyObject {
    var isReady: Bool { get }
    func send(_ packet: Packet)
    func forget(_ serial: UInt32)
}
