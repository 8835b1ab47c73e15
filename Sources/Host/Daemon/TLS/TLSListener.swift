import Foundation
import Keys
import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// TCP connections of clients over TLS; each has to show a certificate of the authority's.
enum TLSListener {
    static func listen(
        _ address: ListenAddress, _ daemon: NIOLoopBound<Daemon>, on group: EventLoopGroup
    ) throws -> Channel {
        try ServerBootstrap(group, pausingFor: daemon)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: Limits.backlog)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A host that has gone without a word is noticed in a minute, whether something waits for it or not; it asks for no pings.
            .childChannelOption(option(TCP_USER_TIMEOUT), value: 60_000)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(option(TCP_KEEPIDLE), value: 30)
            .childChannelOption(option(TCP_KEEPINTVL), value: 10)
            .childChannelOption(option(TCP_KEEPCNT), value: 3)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: Limits.sending / 2, high: Limits.sending))
            // What is decrypted at a time stays a connection's for as long as it lives.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let configuration = daemon.value.tls else { throw ChannelError.operationUnsupported }
                    // One context a connection: what one client has shown is kept for no other connection, and nobody comes
                    // back by a session without showing it.
                    let context = try NIOSSLContext(configuration: configuration)
                    let handler = ConnectionHandler(daemon.value, isReadOnly: false)
                    let tls = NIOSSLServerHandler(context: context)
                    let admission = TLSAdmission(daemon.value, tls, handler)
                    try channel.pipeline.syncOperations.addHandlers([
                        CompactBuffers(), tls, ShortRecords(), admission, handler,
                    ])
                }
            }
            .bind(host: address.host, port: address.port).wait()
    }

    private static func option(_ number: Int32) -> ChannelOptions.Types.SocketOption {
        ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: number))
    }

    /// What the server shows and asks for, by its files as they are now.
    /// - Throws: `KeyError` where one is not what it should be.
    static func configuration(_ options: TLSOptions, _ log: Logger) throws(KeyError) -> TLSConfiguration {
        let files = try ServerCredentials(in: URL(filePath: options.folder, directoryHint: .isDirectory))
        func parsed<T>(_ name: String, _ body: () throws -> T) throws(KeyError) -> T {
            do { return try body() } catch {
                throw .system("\(options.folder)/\(name) is not what it should be: \(error)")
            }
        }
        let authorities = try parsed("cacert.pem") { try NIOSSLCertificate.fromPEMBytes(files.authority) }
        // One: a name in the list is one authority's.
        guard authorities.count == 1 else { throw .system("\(options.folder)/cacert.pem has not one certificate") }
        let chain = try parsed("servercert.pem") { try NIOSSLCertificate.fromPEMBytes(files.certificate) }
        let days = (chain.map { Int($0.notValidAfter) }.min() ?? 0) / 86400 - time(nil) / 86400
        if days < 30 { log.warning("\(options.folder)/servercert.pem is good for \(days) days more") }
        let key = try parsed("serverkey.pem") { try NIOSSLPrivateKey(bytes: files.key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.trustRoots = .certificates(authorities)
        // A client has to have one; it has no name of a host.
        configuration.certificateVerification = .noHostnameVerification
        configuration.verifySignatureAlgorithms = [
            .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPssRsaeSha512,
            .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
        ]
        configuration.minimumTLSVersion = .tlsv12
        configuration.maximumTLSVersion = options.allows13 ? nil : .tlsv12
        // What was kept for a connection that is closed is free at once.
        configuration.shutdownTimeout = .zero
        _ = try parsed("servercert.pem") { try NIOSSLContext(configuration: configuration) }
        return configuration
    }
}
