import Policy

/// What a daemon is started with.
public struct DaemonConfiguration: Sendable {
    /// The machine's UNIX socket or serial line.
    public var machine: String
    /// The folder in which the sockets are made.
    public var folder: String
    /// What is typed on a guest's console to ask it to shut down; nil: guests cannot be asked.
    public var shutdownLine: String?

    /// Who may do what. With one, every user of the machine may connect.
    public var policy: Policy?
    /// Where metrics are served; nil: nowhere.
    public var metrics: ListenAddress?

    /// nil: nobody is served over TLS. With it there has to be a policy.
    public var tls: TLSOptions?

    /// The database of definitions.
    public var database: String

    /// - Parameter state: the folder of the database; nil: the sockets' folder.
    public init(machine: String, folder: String, state: String? = nil, shutdownLine: String? = nil) {
        (self.machine, self.folder, self.shutdownLine) = (machine, folder, shutdownLine)
        database = (state ?? folder) + "/bulkheadd.sqlite"
    }

    /// The audit logs, beside the database.
    func auditLog(_ kind: AuditTrail.Kind) -> String {
        database.dropLast("sqlite".count) + kind.rawValue
    }

    public var socket: String { folder + "/virtbulkheadd-sock" }
    public var readOnlySocket: String { folder + "/virtbulkheadd-sock-ro" }
    /// What virsh and other clients of libvirt are given.
    public var uri: String { "bulkhead:///system?socket=\(socket)" }
}

/// What cannot be served so.
enum ConfigurationError: Error, CustomStringConvertible {
    case noPolicy
    var description: String { "clients are served over TLS with a policy alone" }
}

/// Bounds on what clients can make the daemon keep.
enum Limits {
    /// Bytes of the longest packet from a client: the longest string of the protocol and what is beside it.
    static let packet = (4 << 20) + 4096
    /// Bytes that wait to be sent to a client before nothing more is read from it.
    static let sending = 256 << 10
    /// Bytes that each packet which waits takes beside its own.
    static let packetCost = 512
    /// Bytes that wait at most: a client that does not read its events is cut off.
    static let unread = 12 << 20
    /// Bytes of the longest packet of a client that cannot change anything.
    static let readOnlyPacket = 64 << 10
    /// How long a packet may take to come whole.
    static let packetSeconds: Int64 = 60
    /// Bytes that are kept for all clients together, of packets that have not come whole, of what waits to be sent and of keys
    /// that guests have not taken: when it is more, clients are cut off (`Daemon.makeRoom`).
    static let kept = 256 << 20
    /// Bytes that each may have kept, however much the others do.
    static let share = 64 << 10
    static let clients = 2000
    /// Of them, such that may change nothing.
    static let readOnlyClients = 1000
    /// With a policy: connections of a user's, calls of his that wait for answers and consoles that are open, fewer than the link has
    /// places, and changes at a time. The daemon's user and root have what there is.
    static let userClients = 64
    static let userCalls = 32
    static let userChanges = 100
    /// Connections that wait to be taken, of each socket.
    static let backlog: Int32 = 256
    /// TLS handshakes that are under way, and how long each may take. When there are more, the oldest gives way: who means it is done soon.
    static let handshakes = 256
    static let handshakeSeconds: Int64 = 10
    /// Between two pings of the keepalive.
    static let keepaliveSeconds: Int64 = 5
    /// Connections that ask for metrics at a time, and how long each lives.
    static let metricsClients = 16
    static let metricsSeconds: Int64 = 10
    /// Bytes of a file of the log of changes, and of the other two; there are sixteen of each.
    static let auditFile = 64 << 20
    static let otherAuditFile = 4 << 20
    /// Bytes of a request for metrics.
    static let metricsHead = 8 << 10
    /// How long a page waits for what the machine says of its partitions.
    static let statisticsSeconds: Int64 = 3
    /// How long a page of metrics is given again: however many ask, the machine is asked once.
    static let metricsMilliseconds: Int64 = 1000
    /// How long a guest may take to read a line that is typed on its console.
    static let typingSeconds: Int64 = 5
    /// How long a change of a partition's state may take: an image is loaded, memory is cleared.
    static let changeSeconds: Int64 = 120
}
