/// A packet: a header and what follows it.
public struct Packet: Equatable, Sendable {
    public var header: PacketHeader
    public var payload: [UInt8]

    public init(_ header: PacketHeader, _ payload: [UInt8] = []) {
        (self.header, self.payload) = (header, payload)
    }

    /// The bytes that go over the wire, the length first.
    public var encoded: [UInt8] {
        var writer = XDRWriter()
        writer.uint32(UInt32(4 + PacketHeader.size + payload.count))
        header.write(&writer)
        return writer.bytes + payload
    }
}

extension Packet {
    /// The longest packet of the protocol, its length included (`VIR_NET_MESSAGE_MAX` + 4).
    public static let longest = (32 << 20) + 4
    /// The most data of one stream packet (`VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX`).
    public static let maxStreamData = 262_120
}
