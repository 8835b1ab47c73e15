import NIOCore

/// Between TLS and the socket: what waits to be sent takes as much memory as it has bytes. NIOSSL hands on whole buffers of 16 KiB and
/// more, be there one small packet in each, and what a client does not read is bounded by its bytes.
final class CompactBuffers: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        guard buffer.storageCapacity / 2 > buffer.readableBytes else { return context.write(data, promise: promise) }
        var compact = context.channel.allocator.buffer(capacity: buffer.readableBytes)
        compact.writeImmutableBuffer(buffer)
        context.write(wrapOutboundOut(compact), promise: promise)
    }
}
