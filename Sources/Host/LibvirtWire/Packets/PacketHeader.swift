/// What a packet is (`virNetMessageType`).
public enum PacketType: UInt32, Sendable {
    case call = 0
    case reply = 1
    /// Sent unasked: an event, a keepalive.
    case message = 2
    case stream = 3
    case callWithDescriptors = 4
    case replyWithDescriptors = 5
    case streamHole = 6
}

/// How it went (`virNetMessageStatus`).
public enum PacketStatus: UInt32, Sendable {
    case ok = 0
    /// A `RemoteError` follows; in a stream from a client: it gives the stream up.
    case error = 1
    /// Of streams: data, and more to come.
    case more = 2
}

/// The six words that each packet has behind its length.
public struct PacketHeader: Equatable, Sendable {
    public var program: UInt32
    public var version: UInt32
    public var procedure: Int32
    public var type: PacketType
    public var serial: UInt32
    public var status: PacketStatus

    /// Bytes of a header, without the length before it.
    public static let size = 24

    public init(
        program: UInt32 = RemoteProgram.number, version: UInt32 = RemoteProgram.version, procedure: Int32,
        type: PacketType, serial: UInt32, status: PacketStatus = .ok
    ) {
        (self.program, self.version, self.procedure) = (program, version, procedure)
        (self.type, self.serial, self.status) = (type, serial, status)
    }

    public init(_ reader: inout XDRReader) throws(XDRError) {
        program = try reader.uint32()
        version = try reader.uint32()
        procedure = try reader.int32()
        let type = try reader.uint32()
        serial = try reader.uint32()
        let status = try reader.uint32()
        guard let type = PacketType(rawValue: type) else { throw .unknownCase(Int32(bitPattern: type)) }
        guard let status = PacketStatus(rawValue: status) else { throw .unknownCase(Int32(bitPattern: status)) }
        (self.type, self.status) = (type, status)
    }

    func write(_ writer: inout XDRWriter) {
        writer.uint32(program)
        writer.uint32(version)
        writer.int32(procedure)
        writer.uint32(type.rawValue)
        writer.uint32(serial)
        writer.uint32(status.rawValue)
    }

    /// The header of an answer to this call or stream.
    public func answer(_ type: PacketType = .reply, _ status: PacketStatus = .ok) -> PacketHeader {
        var answer = self
        (answer.type, answer.status) = (type, status)
        return answer
    }
}

/// Numbers of libvirt's remote program.
public enum RemoteProgram {
    public static let number: UInt32 = 0x2000_8086
    public static let version: UInt32 = 1
    /// Programs beside it for what only one kind of machine has.
    static let others: [UInt32: String] = [0x2000_8087: "QEMU", 0x2000_8088: "LXC"]
}
