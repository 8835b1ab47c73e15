import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves `GET /metrics`, and nothing else, on a port of its own.
enum MetricsServer {
    static func listen(
        _ address: ListenAddress, _ daemon: NIOLoopBound<Daemon>, on group: EventLoopGroup
    ) throws -> Channel {
        try ServerBootstrap(group, pausingFor: daemon)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try MetricsHandler.add(to: channel, daemon.value) }
            }
            .bind(host: address.host, port: address.port).wait()
    }
}

/// One connection, one answer, to the head of a request: what comes behind it, a body or more requests, is not read. Who is slow to
/// ask or to read has ten seconds for both.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let daemon: Daemon
    private var isAsked = false

    init(_ daemon: Daemon) { self.daemon = daemon }

    static func add(to channel: Channel, _ daemon: Daemon) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Limits.metricsHead
        limits.maxHeaderListSize = Limits.metricsHead
        // Nothing is kept of requests behind the first one: it alone is answered.
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false, withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: limits)
        try channel.pipeline.syncOperations.addHandler(MetricsHandler(daemon))
    }

    func channelActive(context: ChannelHandlerContext) {
        daemon.metrics.readers += 1
        guard daemon.metrics.readers <= Limits.metricsClients else { return context.close(promise: nil) }
        let channel = context.channel
        let end = channel.eventLoop.scheduleTask(in: .seconds(Limits.metricsSeconds)) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in end.cancel() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        daemon.metrics.readers -= 1
        daemon.metrics.forget(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAsked, case .head(let head) = unwrapInboundIn(data) else { return }
        isAsked = true
        let channel = context.channel
        channel.setOption(.autoRead, value: false).assumeIsolated().whenFailure { _ in }
        let path = head.uri.prefix { $0 != "?" }, version = head.version, method = head.method
        guard path == "/metrics" else { return Self.send(.notFound, "metrics are at /metrics\n", version, channel) }
        guard method == .GET || method == .HEAD else {
            return Self.send(.methodNotAllowed, "metrics are read with GET\n", version, channel)
        }
        daemon.metrics.make(daemon, for: self) { page in
            Self.send(.ok, page, version, channel, hasBody: method == .GET)
        }
    }

    private static func send(
        _ status: HTTPResponseStatus, _ text: String, _ version: HTTPVersion, _ channel: Channel, hasBody: Bool = true
    ) {
        var head = HTTPResponseHead(version: version, status: status)
        head.headers.add(
            name: "content-type", value: status == .ok ? MetricsText.contentType : "text/plain; charset=utf-8")
        head.headers.add(name: "content-length", value: "\(text.utf8.count)")
        head.headers.add(name: "connection", value: "close")
        if status == .methodNotAllowed { head.headers.add(name: "allow", value: "GET, HEAD") }
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if hasBody { channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))), promise: nil) }
        let sent = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        sent.whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        daemon.log.debug("a request for metrics failed: \(error)")
        guard !isAsked, error is HTTPParserError else { return context.close(promise: nil) }
        isAsked = true
        Self.send(.badRequest, "this is no request\n", .http1_1, context.channel)
    }
}
