/// Why a connection is closed: its client does not keep to the protocol.
public enum SessionError: Error, Equatable, CustomStringConvertible {
    case unexpected(PacketType)
    case tooManyCalls(Int)

    public var description: String {
        switch self {
        case .unexpected(let type): "a packet of type \(type), which clients do not send"
        case .tooManyCalls(let limit): "more than \(limit) calls that wait for their answers"
        }
    }
}

/// One connection's state: the calls under way, its streams, its keepalive. It does no input or output of its own.
public final class RemoteSession<Client>: StreamCarrier {
    private let table: ProcedureTable<Client>
    private let output: (Packet) -> Void
    /// Asked before each call of the table; what it throws is the answer.
    private let authorise: (Client, Procedure<Client>, RemoteCall) throws -> Void
    /// Told of each call that is about to be answered: how it ended, nil for well, and how long it took from when it had come whole.
    private let answered: (Client, RemoteCall, RemoteError.Code?, Duration) -> Void
    /// Whether the client takes what is sent to it quickly enough.
    public var isReady = true
    /// Set by the procedure that opens the connection: before it, only procedures of the session are answered.
    public var isOpen = false
    /// Whether what changes something is refused.
    public var isReadOnly: Bool
    public private(set) var calls = 0
    private var hasEnded = false
    private var streams: [UInt32: RemoteStream] = [:]
    public var openStreams: Int { streams.count }
    private var keepalive = KeepaliveState()

    /// Calls of one client that are under way at most: more means that it does not wait for answers at all.
    public static var maxCalls: Int { 256 }
    public static var maxStreams: Int { 16 }

    public init(
        _ table: ProcedureTable<Client>, isReadOnly: Bool, output: @escaping (Packet) -> Void,
        authorise: @escaping (Client, Procedure<Client>, RemoteCall) throws -> Void = { _, _, _ in },
        answered: @escaping (Client, RemoteCall, RemoteError.Code?, Duration) -> Void = { _, _, _, _ in }
    ) {
        (self.table, self.output, self.isReadOnly) = (table, output, isReadOnly)
        (self.authorise, self.answered) = (authorise, answered)
    }

    public func send(_ packet: Packet) { output(packet) }

    /// Sends what happened: a message of a procedure without a serial number.
    public func tell(_ procedure: Int32, _ write: (inout XDRWriter) -> Void) {
        send(Packet(PacketHeader(procedure: procedure, type: .message, serial: 0), XDRWriter.bytes(write)))
    }

    /// Takes a packet of the client's.
    public func receive(_ packet: Packet, from client: Client) throws(SessionError) {
        keepalive.heard()
        let header = packet.header
        if header.program == Keepalive.program {
            if Keepalive.wantsPong(header) { send(Keepalive.pongPacket) }
            return
        }
        switch header.type {
        case .call: try receive(call: packet, client)
        case .stream: streams[header.serial]?.receive(packet)
        // Descriptors and holes only come from clients that were told that they are taken.
        case .reply, .message, .callWithDescriptors, .replyWithDescriptors, .streamHole:
            throw .unexpected(header.type)
        }
    }

    private func receive(call packet: Packet, _ client: Client) throws(SessionError) {
        guard calls < Self.maxCalls else { throw .tooManyCalls(Self.maxCalls) }
        calls += 1
        let begin = ContinuousClock.now
        let call = RemoteCall(packet) { [weak self, answered] call, answer, error in
            answered(client, call, error, .now - begin)
            self?.calls -= 1
            self?.send(answer)
        }
        defer { call.arguments = XDRReader([]) }
        do {
            let row = try row(packet.header)
            if row.namesDomain {
                var arguments = call.arguments
                call.domain = try? WireDomain(&arguments)
            }
            guard isOpen || row.access == .session else {
                throw RemoteError(.rpc, "\(row.name): the connection is not open", domain: .rpc)
            }
            guard !isReadOnly || row.access != .change else {
                throw RemoteError(.operationDenied, "\(row.name): this connection is read-only", domain: .access)
            }
            try authorise(client, row, call)
            try row.run(client, call)
        } catch let error as RemoteError {
            call.fail(error)
        } catch let error as XDRError {
            let name = ProcedureNames.name(packet.header.procedure)
            call.fail(RemoteError(.rpc, "\(name): its arguments cannot be read: \(error)", domain: .rpc))
        } catch {
            call.fail(RemoteError(.internalError, "\(error)", domain: .rpc))
        }
    }

    private func row(_ header: PacketHeader) throws -> Procedure<Client> {
        if let name = RemoteProgram.others[header.program], header.version == RemoteProgram.version {
            throw RemoteError(
                .noSupport, "this function is not supported by the connection driver: one of \(name)'s own")
        }
        guard header.program == RemoteProgram.number, header.version == RemoteProgram.version else {
            throw RemoteError(
                .rpc, "unknown program 0x\(String(header.program, radix: 16)) version \(header.version)", domain: .rpc)
        }
        guard ProcedureNames.isKnown(header.procedure) else {
            throw RemoteError(.rpc, "unknown procedure: \(header.procedure)", domain: .rpc)
        }
        guard let row = table[header.procedure] else {
            throw RemoteError(
                .noSupport,
                "this function is not supported by the connection driver: \(ProcedureNames.name(header.procedure))")
        }
        return row
    }

    // MARK: Streams

    /// Opens the stream that a call asks for. Answer the call, then send.
    public func openStream(_ call: RemoteCall) throws(RemoteError) -> RemoteStream {
        guard !hasEnded else { throw RemoteError(.invalidStream, "the connection has ended", domain: .streams) }
        guard streams.count < Self.maxStreams, streams[call.header.serial] == nil else {
            throw RemoteError(
                .invalidStream, "this connection has \(streams.count) streams; it can have \(Self.maxStreams)",
                domain: .streams)
        }
        let stream = RemoteStream(call.header, self)
        streams[call.header.serial] = stream
        return stream
    }

    func forget(_ serial: UInt32) { streams[serial] = nil }

    /// The connection has ended: so do its streams.
    public func close() {
        hasEnded = true
        for stream in streams.values { stream.close(complete: false) }
        streams = [:]
    }

    // MARK: Keepalive

    /// The client has said that it answers pings.
    public func enableKeepalive() { keepalive.isOn = true }

    /// Called every few seconds. False: the client has answered none of the last pings, and is gone.
    public func tick() -> Bool {
        guard keepalive.isOn else { return true }
        guard keepalive.mayWait() else { return false }
        send(Keepalive.pingPacket)
        return true
    }
}

/// Pings that are not answered.
private struct KeepaliveState {
    var isOn = false
    private var unanswered = 0
    /// libvirt's own bound (`keepalive_count`).
    private static let limit = 5

    mutating func heard() { unanswered = 0 }

    mutating func mayWait() -> Bool {
        unanswered += 1
        return unanswered <= Self.limit
    }
}
