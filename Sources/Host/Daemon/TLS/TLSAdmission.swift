import Foundation
import Keys
import NIOCore
import NIOSSL
import NIOTLS

/// Between TLS and a client's packets: nothing passes before the client has shown whose certificate it has. Then it is told, by the byte
/// that libvirt's clients wait for, that it is let in.
final class TLSAdmission: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let daemon: Daemon
    private let tls: NIOSSLServerHandler
    private let handler: ConnectionHandler
    private var isOpen = false
    private var channel: Channel?
    /// From where it comes: `192.0.2.1`.
    private(set) var host = ""
    /// What counts as one host: of IPv6 a network of 64 bits, which one host may have to itself.
    private var network: [UInt8] = []

    init(_ daemon: Daemon, _ tls: NIOSSLServerHandler, _ handler: ConnectionHandler) {
        (self.daemon, self.tls, self.handler) = (daemon, tls, handler)
    }

    /// Handshakes are bounded in number and in time: nobody is known yet whose share they could be. When there are too many, the oldest
    /// gives way of the host that has the most.
    func channelActive(context: ChannelHandlerContext) {
        channel = context.channel
        host = context.remoteAddress?.ipAddress ?? "?"
        network = Self.network(of: host)
        daemon.handshakes.append(self)
        if daemon.handshakes.count > daemon.mostHandshakes {
            // Of the network, the host: who has one address does not push its neighbours out.
            Self.most(Self.most(daemon.handshakes) { $0.network }) { $0.host }.first?.giveUp()
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Limits.handshakeSeconds)) { [weak self] in
            if let self, isShaking { giveUp() }
        }
    }

    /// Those of the one that has the most, the oldest first.
    private static func most<Key: Hashable>(
        _ handshakes: [TLSAdmission], _ key: (TLSAdmission) -> Key
    ) -> [TLSAdmission] {
        Dictionary(grouping: handshakes, by: key).values.max { $0.count < $1.count } ?? []
    }

    static func network(of host: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard unsafe inet_pton(AF_INET6, host, &bytes) == 1 else { return Array(host.utf8) }
        // ::ffff:192.0.2.1 is one of IPv4.
        let isIPv4 = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isIPv4 ? bytes : Array(bytes.prefix(8))
    }

    private var isShaking: Bool { daemon.handshakes.contains { $0 === self } }

    private func done() { daemon.handshakes.removeAll { $0 === self } }

    func giveUp() {
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
            let certificate = ClientCertificate(name: name, fingerprint: fingerprint, end: Int(shown.notValidAfter))
            guard certificate.end > time(nil) else { return refuse(context, "the certificate of \(name) has expired") }
            handler.admit(certificate, from: host)
        case .failure(let refusal): return refuse(context, refusal.words)
        case nil: return refuse(context, "there is no authority")
        }
        isOpen = true
        context.fireChannelActive()
        // The policy may not know it, or there is no room.
        if handler.isOpen { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [1])), promise: nil) }
    }

    private func refuse(_ context: ChannelHandlerContext, _ words: String) {
        let words = "\(words), from \(host)"
        if let others = daemon.remoteRefusals.refuse(daemon.loop.now) {
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
        daemon.log.debug("TLS failed, from \(host): \(error)")
        context.close(promise: nil)
    }
}
