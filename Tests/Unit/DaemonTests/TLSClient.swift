import ControlClient
import Foundation
import LibvirtWire
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// A connection over TLS; each wait is bounded.
final class TLSClient {
    /// What has come, and whether the other end has closed.
    private final class Received: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex((bytes: [UInt8](), isClosed: false))
        let news = DispatchSemaphore(value: 0)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            state.withLock { $0.bytes += unwrapInboundIn(data).readableBytesView }
            news.signal()
        }
        func channelInactive(context: ChannelHandlerContext) {
            state.withLock { $0.isClosed = true }
            news.signal()
        }
        func errorCaught(context: ChannelHandlerContext, error: Error) { context.close(promise: nil) }
    }

    private let received = Received()
    private let channel: Channel
    private var reader = PacketReader()
    private var serial: UInt32 = 0

    /// - Parameters:
    ///   - folder: an authority's `clients/NAME`, or the place of other PEM files; nil: it shows no certificate.
    ///   - names: of the files of certificate and key.
    init(
        port: Int, authority: String, _ folder: String?, names: (String, String) = ("clientcert.pem", "clientkey.pem"),
        version: TLSVersion = .tlsv12
    ) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(authority)
        (configuration.minimumTLSVersion, configuration.maximumTLSVersion) = (version, version)
        if let folder {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile("\(folder)/\(names.0)")
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: "\(folder)/\(names.1)", format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration), received = received
        channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([tls, received])
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    deinit { channel.close(promise: nil) }

    /// nil: the connection is closed, or nothing came in half a minute.
    func receive() -> [UInt8]? {
        while true {
            let (bytes, isClosed) = received.state.withLock { state in
                defer { state.bytes = [] }
                return state
            }
            if !bytes.isEmpty { return bytes }
            if isClosed || received.news.wait(timeout: .now() + 30) == .timedOut { return nil }
        }
    }

    /// Whether the other end has closed it, without a byte.
    var isCutOff: Bool { receive() == nil && received.state.withLock { $0.isClosed } }

    /// The byte that says it is let in, and an open connection.
    func open() throws -> Bool {
        guard let first = receive() else { return false }
        try #require(first == [1])
        let answer = try call("connect_open") { writer in
            writer.optionalString("bulkhead:///system")
            writer.uint32(0)
        }
        return answer?.code == 0
    }

    func call(_ name: String, _ write: (inout XDRWriter) -> Void = { _ in }) throws -> Answer? {
        serial += 1
        let number = try #require(ProcedureNames.number(name))
        let packet = Packet(PacketHeader(procedure: number, type: .call, serial: serial), XDRWriter.bytes(write))
        // Where it is closed meanwhile, no answer comes.
        try? channel.writeAndFlush(ByteBuffer(bytes: packet.encoded)).wait()
        while true {
            if let packet = try reader.next() { return Answer(packet: packet) }
            guard let bytes = receive() else { return nil }
            reader.append(bytes)
        }
    }
}
