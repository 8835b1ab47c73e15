import LibvirtWire
import NIOCore

/// A client of the daemon. Used on the daemon's loop.
final class ClientConnection {
    unowned let daemon: Daemon
    private(set) var session: RemoteSession<ClientConnection>
    /// By callback: which event, of which domain or of all.
    var callbacks: [Int32: (event: Int32, domain: WireUUID?)] = [:]
    private var nextCallback: Int32 = 1
    /// Callbacks of one client at most.
    static let maxCallbacks = 256

    init(_ daemon: Daemon, isReadOnly: Bool, output: @escaping (Packet) -> Void) {
        self.daemon = daemon
        session = RemoteSession(daemon.table, isReadOnly: isReadOnly, output: output)
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
        defer { nextCallback += 1 }
        callbacks[nextCallback] = (event, domain)
        return nextCallback
    }

    func tell(_ domain: Domain, _ change: DomainChange) {
        let wanted: Int32, procedure: Int32
        switch change {
        case .lifecycle: (wanted, procedure) = (0, EventProcedures.lifecycle)
        case .rebooted: (wanted, procedure) = (1, EventProcedures.reboot)
        }
        for (callback, filter) in callbacks.sorted(by: { $0.key < $1.key }) where filter.event == wanted {
            guard filter.domain == nil || filter.domain == domain.uuid else { continue }
            session.tell(procedure) { writer in
                writer.int32(callback)
                domain.wire.write(&writer)
                guard case .lifecycle(let event) = change else { return }
                writer.int32(event.event)
                writer.int32(event.detail)
            }
        }
    }
}
