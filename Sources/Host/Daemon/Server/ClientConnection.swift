import LibvirtWire
import NIOCore
import Policy

/// A client of the daemon. Used on the daemon's loop.
final class ClientConnection {
    unowned let daemon: Daemon
    private(set) var session: RemoteSession<ClientConnection>
    /// Who it is, for the audit log.
    let number: Int
    var peer: PeerIdentity?
    /// Over TLS: whose certificate it has shown, and from where it comes.
    var certificate: ClientCertificate?
    var host: String?
    var subject: PolicySubject? { certificate.map { .certificate($0.name) } ?? peer.map { .uid($0.uid) } }
    /// By callback: which event, of which domain or of all.
    var callbacks: [Int32: (event: Int32, domain: WireUUID?)] = [:]
    /// For the next callback, if no other has it.
    var nextCallback: Int32 = 1
    /// Bytes of a packet that has not come whole, and of answers that wait to be sent.
    var buffered = 0 { didSet { daemon.kept += buffered - oldValue } }
    /// Bytes that it has typed on consoles and that guests have not taken.
    var typed = 0 { didSet { daemon.kept += typed - oldValue } }
    /// Bytes that are kept for it.
    var held: Int { buffered + typed }
    /// With what precedence the machine is asked what the client reads.
    var readKind: JobKind { session.isReadOnly ? .read : .ownRead }
    /// Ends the connection for a reason.
    let cutOff: (String) -> Void
    /// Callbacks of one client at most.
    static let maxCallbacks = 256
    /// Of them such that wait for the same event of the same domain. libvirt's library registers one for all that its program has,
    /// and one more only for a thread that asks before the first is answered; go-libvirt registers one for each listener.
    static let maxAlike = 16

    init(
        _ daemon: Daemon, isReadOnly: Bool, output: @escaping (Packet) -> Void, cutOff: @escaping (String) -> Void
    ) {
        (self.daemon, self.cutOff) = (daemon, cutOff)
        daemon.lastClient += 1
        number = daemon.lastClient
        session = RemoteSession(
            daemon.table, isReadOnly: isReadOnly, output: output, authorise: Self.authorise,
            answered: Self.answered)
    }

    /// While the machine does not answer, nothing is said of its partitions: what was true may be so no longer. What changes
    /// something is on the disk before it is carried out.
    private static func authorise(
        _ client: ClientConnection, _ row: Procedure<ClientConnection>, _ call: RemoteCall
    ) throws {
        if let lapse = client.lapse { throw RemoteError(.accessDenied, lapse, domain: .access) }
        if row.ofDomains, let trouble = client.daemon.machine.trouble { throw RemoteError(.systemError, trouble) }
        try client.check(row, call)
        // What names no domain that there is changes nothing. A definition is begun once it is known whose it is, and autostart once
        // it is known whether it is to be on.
        guard row.access == .change, row.name != "domain_set_autostart", let wire = call.domain,
            let domain = try? client.daemon.machine.domain(wire)
        else {
            return
        }
        try client.begin(call, domain.name, in: domain.partition)
    }

    /// A change is about to be carried out: it is in the audit log from here on.
    func begin(_ call: RemoteCall, _ domain: String, in partition: String) throws(RemoteError) {
        try requireChange()
        call.subject = (domain, partition)
        // Where its record cannot be written, or nobody knows, its answer belongs behind it.
        call.isChange = true
        try daemon.audit?.begin(call, of: self)
    }

    private static func answered(
        _ client: ClientConnection, _ call: RemoteCall, _ error: RemoteError.Code?, _ time: Duration
    ) {
        client.daemon.metrics.calls.note(call.name, error, time)
        client.daemon.audit?.note(answered: call, error, of: client)
    }

    func receive(_ packet: Packet) throws(SessionError) { try session.receive(packet, from: self) }

    func close() {
        session.close()
        callbacks = [:]
        daemon.clients[ObjectIdentifier(self)] = nil
    }

    func addCallback(_ event: Int32, _ domain: WireUUID?) throws(RemoteError) -> Int32 {
        guard callbacks.count < Self.maxCallbacks else {
            throw RemoteError(.operationFailed, "this connection has \(callbacks.count) event callbacks already")
        }
        // Each is told of each event.
        guard callbacks.values.count(where: { $0.event == event && $0.domain == domain }) < Self.maxAlike else {
            throw RemoteError(
                .operationFailed, "this connection has \(Self.maxAlike) callbacks for the event of that domain already")
        }
        // There are fewer callbacks than numbers.
        while callbacks[nextCallback] != nil { nextCallback = nextCallback.following }
        defer { nextCallback = nextCallback.following }
        callbacks[nextCallback] = (event, domain)
        return nextCallback
    }

    func tell(_ domain: WireDomain, _ change: DomainChange) {
        let wanted: Int32, procedure: Int32
        switch change {
        case .lifecycle: (wanted, procedure) = (0, EventProcedures.lifecycle)
        case .rebooted: (wanted, procedure) = (1, EventProcedures.reboot)
        }
        let waiting = callbacks.filter { _, filter in
            filter.event == wanted && (filter.domain == nil || filter.domain == domain.uuid)
        }
        for callback in waiting.keys.sorted() {
            session.tell(procedure) { writer in
                writer.int32(callback)
                domain.write(&writer)
                guard case .lifecycle(let event) = change else { return }
                writer.int32(event.event)
                writer.int32(event.detail)
            }
        }
    }
}
