import ControlClient
import Foundation
import Keys
import NIOCore
import NIOPosix
import NIOSSL

/// TCP connections of clients over TLS; each has to show a certificate of the authority's.
enum TLSListener {
    static func listen(
        _ options: TLSOptions, _ daemon: NIOLoopBound<Daemon>, on group: EventLoopGroup
    ) throws -> Channel {
        let context = try context(options)
        return try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: Limits.backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(daemon.value.log))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: Limits.sending / 2, high: Limits.sending))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(daemon.value, isReadOnly: false)
                    let tls = NIOSSLServerHandler(context: context)
                    let gate = TLSGate(daemon.value, tls, handler)
                    try channel.pipeline.syncOperations.addHandlers([tls, gate, handler])
                }
            }
            .bind(host: options.address.host, port: options.address.port).wait()
    }

    /// - Throws: words for whoever started the daemon.
    static func context(_ options: TLSOptions) throws -> NIOSSLContext {
        let files = try ServerCredentials(in: URL(filePath: options.folder, directoryHint: .isDirectory))
        func parsed<T>(_ name: String, _ body: () throws -> T) throws(KeyError) -> T {
            do { return try body() } catch {
                throw .system("\(options.folder)/\(name) is not what it should be: \(error)")
            }
        }
        let authorities = try parsed("cacert.pem") { try NIOSSLCertificate.fromPEMBytes(files.authority) }
        // One: a name in the list is one authority's.
        guard authorities.count == 1 else {
            throw KeyError.system("\(options.folder)/cacert.pem has not one certificate")
        }
        let chain = try parsed("servercert.pem") { try NIOSSLCertificate.fromPEMBytes(files.certificate) }
        let key = try parsed("serverkey.pem") { try NIOSSLPrivateKey(bytes: files.key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.trustRoots = .certificates(authorities)
        // A client has to have one; it has no name of a host.
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv12
        configuration.maximumTLSVersion = options.allows13 ? nil : .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        return try parsed("servercert.pem") { try NIOSSLContext(configuration: configuration) }
    }
}
