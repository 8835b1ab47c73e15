import Logging
import NIOCore
import NIOPosix

/// Of a socket's channel: when a connection cannot be taken, because there are no descriptors say, none is tried for a second.
/// It stays ready to be taken, and the loop would be woken for it without a pause; by NIO's `AcceptBackoffHandler` too, which
/// delays only reads that are asked for anew, and after a failure the one before goes on.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = Channel

    private let log: Logger

    init(_ log: Logger) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        log.warning("no connection is taken for a second: \(error)")
        let channel = context.channel
        Self.take(false, channel)
        channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { Self.take(true, channel) }
    }

    private static func take(_ isOn: Bool, _ channel: Channel) {
        // A channel that is closed meanwhile takes none in any case.
        channel.setOption(.autoRead, value: isOn).assumeIsolated().whenFailure { _ in }
    }
}

extension ServerBootstrap {
    /// One that takes no connections for a while where that fails.
    convenience init(_ group: EventLoopGroup, pausingFor daemon: NIOLoopBound<Daemon>) {
        self.init(group: group)
        _ = serverChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(AcceptPause(daemon.value.log))
            }
        }
    }
}
