import LibvirtWire
import Logging
import NIOCore

/// Between a connection's bytes and its client's packets.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let daemon: Daemon
    /// nil: the connection has ended.
    private var client: ClientConnection?
    private var channel: Channel?
    private var reader: PacketReader
    /// Bytes that wait to be sent.
    private var waiting = 0
    private var timer = PacketTimer()

    /// - Parameter isReadOnly: its client cannot define anything, and needs no long packets.
    init(_ daemon: Daemon, isReadOnly: Bool) {
        self.daemon = daemon
        reader = PacketReader(limit: isReadOnly ? Limits.readOnlyPacket : Limits.packet)
        client = ClientConnection(
            daemon, isReadOnly: isReadOnly, output: { [weak self] packet in self?.send(packet) },
            cutOff: { [weak self] reason in self?.cutOff(reason) })
    }

    /// Whose connection it is, over TLS: before it is active.
    func admit(_ certificate: ClientCertificate, from host: String) {
        client?.certificate = certificate
        client?.host = host
    }
    var isOpen: Bool { client != nil }

    func channelActive(context: ChannelHandlerContext) {
        guard let client else { return context.close(promise: nil) }
        // On the loop, and at once: before it has asked for anything.
        if client.certificate == nil { PeerIdentity.of(context.channel) { peer in client.peer = peer } }
        // Whom the policy never lets change anything needs no more than one who says that he will not.
        if let subject = client.subject, daemon.policy?.mayChange(subject) == false {
            client.session.isReadOnly = true
            reader = PacketReader(limit: Limits.readOnlyPacket)
        }
        if let words = daemon.refusal(ofNew: client) {
            let words = words + (client.host.map { ", from \($0)" } ?? "")
            let others =
                client.host == nil
                ? daemon.refusals.refuse(daemon.loop.now) : daemon.remoteRefusals.refuse(daemon.loop.now)
            if let others {
                daemon.log.warning("refused a connection, and \(others) before it: \(words)")
                daemon.audit?.note(.disconnected, of: client, "\(words); \(others) others were refused before")
            }
            end()
            return context.close(promise: nil)
        }
        daemon.clients[ObjectIdentifier(client)] = client
        channel = context.channel
        daemon.audit?.note(.connected, of: client)
        lookAfter(context.channel)
    }

    /// Pings the client, and ends it when it answers none, or leaves a packet unfinished.
    private func lookAfter(_ channel: Channel) {
        channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Limits.keepaliveSeconds)) { [weak self] in
            guard let self, let client else { return }
            guard client.session.tick() else { return cutOff("its client answers no pings") }
            if let lapse = client.lapse { return cutOff(lapse) }
            guard !channel.isWritable || !timer.isOver(channel.eventLoop.now) else {
                return cutOff("its client left a packet unfinished for \(Limits.packetSeconds) s")
            }
            lookAfter(channel)
        }
    }

    /// Closes the connection; what was kept for it is free at once.
    private func cutOff(_ reason: String) {
        guard client != nil, let channel else { return }
        daemon.log.notice("closed a connection: \(reason)")
        end()
        channel.close(promise: nil)
    }

    private func end() {
        if let client, channel != nil { daemon.audit?.note(.disconnected, of: client) }
        client?.buffered = 0
        client?.close()
        (client, channel) = (nil, nil)
        reader = PacketReader(limit: 0)
    }

    private func count() { client?.buffered = reader.kept + waiting }

    private func send(_ packet: Packet) {
        guard client != nil, let channel else { return }
        let bytes = packet.encoded, cost = bytes.count + Limits.packetCost
        waiting += cost
        count()
        guard waiting < Limits.unread else { return cutOff("its client does not read what it is sent") }
        daemon.makeRoom()
        guard client != nil else { return }
        let written = channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
        written.assumeIsolated().whenComplete { [weak self] _ in
            self?.waiting -= cost
            self?.count()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard client != nil else { return }
        reader.append(unwrapInboundIn(data).readableBytesView)
        receive(context)
    }

    /// Takes what has come, as long as the client reads what it is answered.
    private func receive(_ context: ChannelHandlerContext) {
        var hasTaken = false
        do {
            while let client, context.channel.isWritable, let packet = try reader.next() {
                hasTaken = true
                try client.receive(packet)
            }
        } catch { return cutOff("its client sent \(error)") }
        timer.note(kept: reader.kept, isNew: hasTaken, context.eventLoop.now)
        count()
        daemon.makeRoom()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        client?.session.isReady = isWritable
        // Who does not read answers is not read from.
        context.channel.setOption(.autoRead, value: isWritable).assumeIsolated().whenFailure { _ in }
        if isWritable {
            // What lay unread until now was not late.
            timer = PacketTimer()
            receive(context)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        daemon.log.debug("a connection failed: \(error)")
        context.close(promise: nil)
    }
}

/// How long a packet has been coming.
struct PacketTimer {
    private var since: NIODeadline?

    /// - Parameters:
    ///   - kept: bytes of a packet that has not come whole.
    ///   - isNew: others before it have been taken now.
    mutating func note(kept: Int, isNew: Bool, _ now: NIODeadline) {
        if kept == 0 { since = nil } else if isNew || since == nil { since = now }
    }

    func isOver(_ now: NIODeadline) -> Bool {
        guard let since else { return false }
        return now - since >= .seconds(Limits.packetSeconds)
    }
}
