import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves `GET /metrics`, and nothing else, on a port of its own.
enum MetricsServer {
    static func listen(
        _ address: MetricsAddress, _ daemon: NIOLoopBound<Daemon>, on group: EventLoopGroup
    ) throws -> Channel {
        try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(daemon.value.log))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = MetricsHandler(daemon.value)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: address.host, port: address.port).wait()
    }
}

/// One connection, one answer: who is slow to ask or to read has ten seconds for both.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let daemon: Daemon
    private var head: HTTPRequestHead?

    init(_ daemon: Daemon) { self.daemon = daemon }

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
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let new): if head == nil { head = new }
        case .body: break
        case .end: if let head { answer(head, context.channel) }
        }
    }

    private func answer(_ head: HTTPRequestHead, _ channel: Channel) {
        let path = head.uri.prefix { $0 != "?" }
        guard path == "/metrics" else { return send(.notFound, "metrics are at /metrics\n", head, channel) }
        guard head.method == .GET || head.method == .HEAD else {
            return send(.methodNotAllowed, "metrics are read with GET\n", head, channel)
        }
        daemon.metrics.make(daemon) { [self] page in send(.ok, page, head, channel) }
    }

    private func send(_ status: HTTPResponseStatus, _ text: String, _ request: HTTPRequestHead, _ channel: Channel) {
        var head = HTTPResponseHead(version: request.version, status: status)
        head.headers.add(
            name: "content-type", value: status == .ok ? MetricsText.contentType : "text/plain; charset=utf-8")
        head.headers.add(name: "content-length", value: "\(text.utf8.count)")
        head.headers.add(name: "connection", value: "close")
        if status == .methodNotAllowed { head.headers.add(name: "allow", value: "GET, HEAD") }
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if request.method != .HEAD {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))), promise: nil)
        }
        let sent = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        sent.whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        daemon.log.debug("a request for metrics failed: \(error)")
        context.close(promise: nil)
    }
}
