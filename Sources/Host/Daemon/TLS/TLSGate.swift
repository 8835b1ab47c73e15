import Keys
import NIOCore
import NIOSSL
import NIOTLS

/// Between TLS and a client's packets: nothing passes before the client has shown whose certificate it has. Then it is told, by the byte
/// that libvirt's clients wait for, that it is let in.
final class TLSGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let daemon: Daemon
    private let tls: NIOSSLServerHandler
    private let handler: ConnectionHandler
    private var isOpen = false
    private var channel: Channel?

    init(_ daemon: Daemon, _ tls: NIOSSLServerHandler, _ handler: ConnectionHandler) {
        (self.daemon, self.tls, self.handler) = (daemon, tls, handler)
    }

    /// Handshakes are bounded in number and in time: nobody is known yet whose share they could be.
    func channelActive(context: ChannelHandlerContext) {
        channel = context.channel
        daemon.handshakes.append(self)
        if daemon.handshakes.count > Limits.handshakes { daemon.handshakes[0].giveUp() }
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Limits.handshakeSeconds)) { [weak self] in
            if let self, isShaking { giveUp() }
        }
    }

    private var isShaking: Bool { daemon.handshakes.contains { $0 === self } }

    private func done() { daemon.handshakes.removeAll { $0 === self } }

    private func giveUp() {
        done()
        channel?.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event, isShaking else {
            return context.fireUserInboundEventTriggered(event)
        }
        done()
        guard let shown = tls.peerCertificate, let encoded = try? shown.toDERBytes() else {
            return refuse(context, "it has shown no certificate")
        }
        let fingerprint = CertificateList.fingerprint(encoded)
        switch daemon.certificates?.name(of: fingerprint) {
        case .success(let name):
            handler.admit(ClientCertificate(name: name, fingerprint: fingerprint, end: Int(shown.notValidAfter)))
        case .failure(let refusal): return refuse(context, refusal.words)
        case nil: return refuse(context, "there is no authority")
        }
        isOpen = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [1])), promise: nil)
        context.fireChannelActive()
    }

    private func refuse(_ context: ChannelHandlerContext, _ words: String) {
        if let others = daemon.shares.refuse(daemon.loop.now) {
            daemon.log.warning("refused a connection over TLS, and \(others) before it: \(words)")
            daemon.audit?.note(refused: "\(words); \(others) others were refused before")
        }
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOpen { context.fireChannelRead(data) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        done()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        daemon.log.debug("TLS failed: \(error)")
        context.close(promise: nil)
    }
}
