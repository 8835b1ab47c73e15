/// What a peer may not send: the connection is closed after it.
public enum PacketError: Error, Equatable, CustomStringConvertible {
    case tooShort(Int)
    case tooLong(Int, limit: Int)
    case badHeader(XDRError)

    public var description: String {
        switch self {
        case .tooShort(let length): "a packet of \(length) bytes, which has no room for its header"
        case .tooLong(let length, let limit): "a packet of \(length) bytes, more than \(limit)"
        case .badHeader(let error): "a packet's header cannot be read: \(error)"
        }
    }
}

/// Makes packets of the bytes of a stream. It keeps what has come of one packet, and takes no memory for what was only
/// announced.
public struct PacketReader {
    /// The longest packet that is taken, its length included.
    public var limit: Int
    private var buffer: [UInt8] = []
    private var start = 0

    public init(limit: Int = Packet.longest) { self.limit = limit }

    /// Bytes that wait for the rest of their packet.
    public var kept: Int { buffer.count - start }

    public mutating func append(_ bytes: some Collection<UInt8>) { buffer += bytes }

    /// The next packet; nil when the rest of it has not come yet. After an error the stream cannot be read on.
    public mutating func next() throws(PacketError) -> Packet? {
        guard kept >= 4 else { return compacted() }
        let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length >= 4 + PacketHeader.size else { throw .tooShort(length) }
        guard length <= limit else { throw .tooLong(length, limit: limit) }
        guard kept >= length else { return compacted() }
        defer { start += length }
        var reader = XDRReader(buffer[start + 4..<start + length])
        do throws(XDRError) {
            let header = try PacketHeader(&reader)
            return Packet(header, Array(buffer[start + 4 + PacketHeader.size..<start + length]))
        } catch { throw .badHeader(error) }
    }

    /// Drops what has been read, and gives back the memory of a large packet.
    private mutating func compacted() -> Packet? {
        guard start > 0 else { return nil }
        buffer = Array(buffer[start...])
        start = 0
        return nil
    }
}
