import CBOR

/// A reply while it is read: a map whose key 0 is the status. Keys that this version does not know are skipped, so that
/// a newer hypervisor may say more.
public struct ControlReply: ~Escapable {
    var reader: CBORReader
    var map: CBORMap
    public let status: ControlStatus

    /// Reads the status; `outOfRange` for one that this version does not know.
    @_lifetime(copy payload)
    public init(_ payload: Span<UInt8>) throws(CBORError) {
        reader = CBORReader(payload)
        map = try reader.map(max: 64)
        guard try map.next(&reader) == 0 else { throw .wrongType }
        status = try reader.choice(ControlStatus.self)
    }

    /// Reads a reply that has nothing but its status.
    public mutating func finish() throws(CBORError) {
        while try map.next(&reader) != nil { try reader.skip() }
        try reader.finish()
    }

    /// Writes a reply that has nothing but its status.
    public static func write(_ status: ControlStatus, into output: consuming MutableSpan<UInt8>) -> Int {
        var writer = CBORWriter(output)
        writer.map(1)
        writer.field(0, UInt64(status.rawValue))
        return (try? writer.finish()) ?? 0
    }
}
