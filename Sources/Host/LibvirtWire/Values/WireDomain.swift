/// A domain as packets name it (`remote_nonnull_domain`). Clients keep ids that are no longer true: only the UUID counts.
public struct WireDomain: Equatable, Sendable {
    public var name: String
    public var uuid: WireUUID
    /// -1 while it does not run.
    public var id: Int32

    public init(name: String, uuid: WireUUID, id: Int32) { (self.name, self.uuid, self.id) = (name, uuid, id) }

    /// Bytes of the longest name that is taken: no domain has a longer one.
    public static let maxName = 1024

    public init(_ reader: inout XDRReader) throws(XDRError) {
        name = try reader.string(max: Self.maxName)
        uuid = try WireUUID(&reader)
        id = try reader.int32()
    }

    public func write(_ writer: inout XDRWriter) {
        writer.string(name)
        writer.fixed(uuid.bytes)
        writer.int32(id)
    }
}
