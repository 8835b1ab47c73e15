import CBOR

/// Which bytes of a console a backend gave. A console is a stream whose bytes are numbered from 0; the hypervisor keeps
/// the newest of them in a ring.
public struct ConsoleRange: Equatable, Sendable {
    /// The position of the first byte given. Above what was asked for when the guest has outrun the ring.
    public var position: UInt64
    /// How many bytes were given.
    public var count: Int
    /// The position that the guest's next byte will have.
    public var end: UInt64

    public init(position: UInt64, count: Int, end: UInt64) {
        self.position = position
        self.count = count
        self.end = end
    }
}

/// What `consoleRead` answers: {1: position of the first byte, 2: bytes, 3: position of the guest's next byte}.
public struct ConsoleChunk: ~Escapable {
    public private(set) var position: UInt64 = 0
    /// At most `maxBytes` bytes, exactly as the guest wrote them.
    public private(set) var bytes: Span<UInt8>
    public private(set) var end: UInt64 = 0

    /// The most that one reply carries.
    public static let maxBytes = 1024

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    @_lifetime(copy reply)
    public init(_ reply: inout ControlReply) throws(CBORError) {
        bytes = Span()
        while let key = try reply.map.next(&reply.reader) {
            switch key {
            case 1: position = try reply.reader.uint()
            case 2: bytes = try reply.reader.bytes(max: Self.maxBytes)
            case 3: end = try reply.reader.uint()
            default: try reply.reader.skip()
            }
        }
        try reply.reader.finish()
    }

    static func write(_ writer: inout CBORWriter, _ range: ConsoleRange, _ bytes: borrowing Span<UInt8>) {
        writer.map(4)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.field(1, range.position)
        writer.key(2)
        writer.bytes(bytes)
        writer.field(3, range.end)
    }
}

/// What `consoleWrite` answers: {1: how many bytes the guest's UART took}. The rest is for the manager to send again.
public struct ConsoleAccepted: Sendable {
    public private(set) var count = 0

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    public init(_ reply: inout ControlReply) throws(CBORError) {
        while let key = try reply.map.next(&reply.reader) {
            if key == 1 {
                count = try reply.reader.number(max: ControlRequest.maxData)
            } else {
                try reply.reader.skip()
            }
        }
        try reply.reader.finish()
    }

    static func write(_ writer: inout CBORWriter, _ count: Int) {
        writer.map(2)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.field(1, UInt64(count))
    }
}
