import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A running daemon: its loop, its sockets, its link to the machine.
public final class DaemonServer {
    private let group: MultiThreadedEventLoopGroup
    private let link: MachineLink
    private let daemon: NIOLoopBound<Daemon>
    private var listeners: [Channel] = []
    private let configuration: DaemonConfiguration

    /// Starts it. All clients and the whole state are on one loop: calls are short, and nothing needs a lock.
    /// - Throws: when a socket cannot be made.
    public init(_ configuration: DaemonConfiguration, log: Logger) throws {
        self.configuration = configuration
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let box = Mutex<NIOLoopBound<Daemon>?>(nil)
        link = try MachineLink(path: configuration.machine) { news in
            loop.execute { box.withLock { $0 }?.value.take(news) }
        }
        let link = link
        daemon = try loop.submit {
            NIOLoopBound(Daemon(configuration, link, loop: loop, log: log), eventLoop: loop)
        }.wait()
        let daemon = daemon
        box.withLock { $0 = daemon }
        try FileManager.default.createDirectory(atPath: configuration.folder, withIntermediateDirectories: true)
        for (path, isReadOnly) in [(configuration.socket, false), (configuration.readOnlySocket, true)] {
            try listeners.append(Self.listen(path, daemon, isReadOnly: isReadOnly, on: group))
        }
        link.start()
    }

    private static func listen(
        _ path: String, _ daemon: NIOLoopBound<Daemon>, isReadOnly: Bool, on group: EventLoopGroup
    ) throws -> Channel {
        let before = umask(0o077)
        defer { umask(before) }
        return try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: Limits.sending / 2, high: Limits.sending))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(daemon.value, isReadOnly: isReadOnly)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).wait()
    }

    /// Closes everything and removes the sockets.
    public func stop() {
        link.stop()
        for listener in listeners { try? listener.close().wait() }
        try? group.syncShutdownGracefully()
        for path in [configuration.socket, configuration.readOnlySocket] {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}
