import LibvirtWire
import Logging
import NIOCore

/// Between a connection's bytes and its client's packets.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let daemon: Daemon
    private let isReadOnly: Bool
    private var client: ClientConnection?
    private var reader = PacketReader(limit: Limits.packet)
    private var waiting = 0

    init(_ daemon: Daemon, isReadOnly: Bool) { (self.daemon, self.isReadOnly) = (daemon, isReadOnly) }

    func channelActive(context: ChannelHandlerContext) {
        guard daemon.clients.count < Limits.clients else {
            daemon.log.warning("refused a client: there are \(daemon.clients.count)")
            return context.close(promise: nil)
        }
        let channel = context.channel
        let client = ClientConnection(daemon, isReadOnly: isReadOnly) { [weak self] packet in
            self?.send(packet, channel)
        }
        daemon.clients[ObjectIdentifier(client)] = client
        self.client = client
        keepAlive(channel)
    }

    private func keepAlive(_ channel: Channel) {
        channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Limits.keepaliveSeconds)) { [weak self] in
            guard let self, let client else { return }
            if client.session.tick() { return keepAlive(channel) }
            daemon.log.info("closed a connection: its client answers no pings")
            channel.close(promise: nil)
        }
    }

    private func send(_ packet: Packet, _ channel: Channel) {
        let bytes = packet.encoded
        waiting += bytes.count
        guard waiting < Limits.unread else {
            daemon.log.warning("closed a connection: its client does not read what it is sent")
            return channel.close(promise: nil)
        }
        let written = channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
        written.assumeIsolated().whenComplete { [weak self] _ in self?.waiting -= bytes.count }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let client else { return }
        reader.append(unwrapInboundIn(data).readableBytesView)
        do {
            while self.client != nil, let packet = try reader.next() { try client.receive(packet) }
        } catch {
            daemon.log.notice("closed a connection: its client sent \(error)")
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        client?.session.isReady = isWritable
        // Who does not read answers is not read from.
        context.channel.setOption(.autoRead, value: isWritable).assumeIsolated().whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        client?.close()
        client = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        daemon.log.debug("a connection failed: \(error)")
        context.close(promise: nil)
    }
}
