import NIOCore

/// Between a client's packets and TLS: they go into it piece by piece. NIOSSL keeps a buffer as large as the longest that it was
/// ever given at once, for as long as the connection lives, which no bound would see.
final class ShortRecords: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// With what TLS adds, no more than NIOSSL's buffer has from the beginning.
    static let most = 16_000

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var rest = unwrapOutboundIn(data)
        while rest.readableBytes > Self.most, let piece = rest.readSlice(length: Self.most) {
            context.write(wrapOutboundOut(piece), promise: nil)
            context.flush()
        }
        context.write(wrapOutboundOut(rest), promise: promise)
    }
}
