/// What a daemon is started with.
public struct DaemonConfiguration: Sendable {
    /// The machine's UNIX socket or serial line.
    public var machine: String
    /// The folder in which the sockets are made.
    public var folder: String
    /// What is typed on a guest's console to ask it to shut down; nil: guests cannot be asked.
    public var shutdownLine: String?

    public init(machine: String, folder: String, shutdownLine: String? = nil) {
        (self.machine, self.folder, self.shutdownLine) = (machine, folder, shutdownLine)
    }

    public var socket: String { folder + "/virtbulkheadd-sock" }
    public var readOnlySocket: String { folder + "/virtbulkheadd-sock-ro" }
    /// What virsh and other clients of libvirt are given.
    public var uri: String { "bulkhead:///system?socket=\(socket)" }
}

/// Bounds on what clients can make the daemon keep.
enum Limits {
    /// Bytes of the longest packet from a client: the longest string of the protocol and what is beside it.
    static let packet = (4 << 20) + 4096
    /// Bytes that wait to be sent to a client before nothing more is read from it.
    static let sending = 256 << 10
    /// Bytes that wait at most: a client that does not read its events is cut off.
    static let unread = 40 << 20
    static let clients = 2000
    /// Between two pings of the keepalive.
    static let keepaliveSeconds: Int64 = 5
    /// How long a change of a partition's state may take: an image is loaded, memory is cleared.
    static let changeSeconds: Int64 = 120
}
