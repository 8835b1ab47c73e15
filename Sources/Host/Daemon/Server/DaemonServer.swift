import ControlClient
import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Policy
import Synchronization

/// A running daemon: its loop, its sockets, its link to the machine.
public final class DaemonServer {
    private let group: MultiThreadedEventLoopGroup
    private let link: MachineLink
    private let daemon: NIOLoopBound<Daemon>
    private var listeners: [Channel] = []
    private var flushing: RepeatedTask?
    private var isStopped = false
    /// Of the sockets and of the database: no other daemon serves or writes them.
    private let locks: DaemonLocks
    /// The sockets' files as they were made.
    private var files: [(path: String, identity: FileIdentity)] = []
    /// Where metrics are read.
    public private(set) var metrics: String?
    /// Where clients are served over TLS.
    public private(set) var served: SocketAddress?

    /// Starts it. All clients and the whole state are on one loop: calls are short, and nothing needs a lock.
    /// - Throws: when a socket cannot be made, or another daemon serves it or uses the database.
    public init(_ configuration: DaemonConfiguration, log: Logger) throws {
        if !FileManager.default.fileExists(atPath: configuration.folder) {
            // Whoever may connect has to come to the sockets.
            let mode = configuration.policy == nil ? 0o700 : 0o711
            try FileManager.default.createDirectory(
                atPath: configuration.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
        }
        let tls = try Self.tls(configuration, log)
        locks = try DaemonLocks(configuration)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let box = Mutex<NIOLoopBound<Daemon>?>(nil), waiting = Mutex(NewsQueue())
        link = try MachineLink(path: configuration.machine) { new in
            guard waiting.withLock({ $0.append(new) }) else { return }
            loop.execute {
                let daemon = box.withLock { $0 }?.value
                for new in waiting.withLock({ $0.take() }) { daemon?.take(new) }
            }
        }
        let link = link
        // Handshakes take some, and are nobody's yet.
        let handshakes = configuration.tls == nil ? 0 : min(Limits.handshakes, Self.descriptorLimit / 4)
        let places = ClientPlaces(descriptors: Self.descriptorLimit - handshakes)
        if places != ClientPlaces() {
            log.notice("\(places.all) clients at most: the system lets it have \(Self.descriptorLimit) descriptors")
        }
        daemon = try loop.submit {
            let store = try DomainStore(path: configuration.database)
            let audit = try AuditTrail(configuration, log: log)
            let daemon = Daemon(configuration, store, link, loop: loop, log: log, audit: audit, places: places)
            daemon.mostHandshakes = handshakes
            daemon.tls = tls
            daemon.certificates = try configuration.tls.map { try ClientCertificates($0.folder, log: log) }
            return NIOLoopBound(daemon, eventLoop: loop)
        }.wait()
        let daemon = daemon
        box.withLock { $0 = daemon }
        do {
            for (path, isReadOnly) in [(configuration.socket, false), (configuration.readOnlySocket, true)] {
                try listeners.append(Self.listen(path, daemon, isReadOnly: isReadOnly, on: group))
                if let identity = FileIdentity(path) { files.append((path, identity)) }
                // Who may connect is then the policy's to say, of whom the system says that it is he.
                if configuration.policy != nil, unsafe fchmodat(AT_FDCWD, path, 0o666, AT_SYMLINK_NOFOLLOW) != 0 {
                    throw LockFailure(path: path, number: errno)
                }
            }
            if let options = configuration.tls {
                let listener = try TLSListener.listen(options.address, daemon, on: group)
                listeners.append(listener)
                served = listener.localAddress
            }
            if let address = configuration.metrics {
                let listener = try MetricsServer.listen(address, daemon, on: group)
                listeners.append(listener)
                let host = address.host.contains(":") ? "[\(address.host)]" : address.host
                metrics = "http://\(host):\(listener.localAddress?.port ?? address.port)/metrics"
            }
        } catch {
            stop()
            throw error
        }
        // What nobody waited for is on the disk a second later.
        flushing = group.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            daemon.value.audit?.synchronize()
            daemon.value.giveBack()
        }
        link.start()
    }

    /// Whether what it is given is good, with nothing done.
    /// - Throws: as `init` does, of what can be known before it serves.
    public static func check(_ configuration: DaemonConfiguration, log: Logger) throws {
        _ = try tls(configuration, log)
        _ = try configuration.tls.map { try ClientCertificates($0.folder, log: log) }
    }

    /// A certificate says who a client is, not what it may do.
    private static func tls(_ configuration: DaemonConfiguration, _ log: Logger) throws -> TLSConfiguration? {
        guard let options = configuration.tls else { return nil }
        guard configuration.policy != nil else { throw ConfigurationError.noPolicy }
        return try TLSListener.configuration(options, log)
    }

    private static func listen(
        _ path: String, _ daemon: NIOLoopBound<Daemon>, isReadOnly: Bool, on group: EventLoopGroup
    ) throws -> Channel {
        let before = umask(0o077)
        defer { umask(before) }
        // Of a socket that it has bound itself, NIO removes the path in the end, whoever's it is then.
        let bound = try UnixSocket.listen(path, backlog: Limits.backlog)
        return try ServerBootstrap(group, pausingFor: daemon)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: Limits.sending / 2, high: Limits.sending))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(daemon.value, isReadOnly: isReadOnly)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .withBoundSocket(bound).wait()
    }

    /// As many as the system lets the process have.
    private static var descriptorLimit: Int {
        var limit = rlimit()
        // The structure is one of the call's own kind.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Shows another certificate, which lies where the one before did, from the next connection on.
    /// - Throws: `KeyError` where it cannot be used: the one before is shown.
    public func renewTLS(_ options: TLSOptions, log: Logger) throws {
        let tls = try TLSListener.configuration(options, log), daemon = daemon
        try group.next().submit { daemon.value.tls = tls }.wait()
    }

    /// Uses another policy from the next call on.
    public func use(_ policy: Policy) {
        let daemon = daemon
        try? group.next().submit { daemon.value.take(policy) }.wait()
    }

    /// Closes everything and removes the sockets. Once is enough.
    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        link.stop()
        flushing?.cancel()
        // A daemon that was started after this one has made its own there. As long as this one listens, no other file can have
        // the number of its.
        for (path, identity) in files where FileIdentity(path) == identity {
            try? FileManager.default.removeItem(atPath: path)
        }
        for listener in listeners { try? listener.close().wait() }
        // What they do at their end is in the log, too; it is whole without that.
        let daemon = daemon
        try? group.next().submit { daemon.value.end() }.wait()
        try? group.syncShutdownGracefully()
    }
}
