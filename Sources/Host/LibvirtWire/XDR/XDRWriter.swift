/// Writes values as XDR (RFC 4506): big-endian, each filled up to a multiple of four bytes.
public struct XDRWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func uint32(_ value: UInt32) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 24))
        bytes.append(UInt8(truncatingIfNeeded: value >> 16))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
    public mutating func int32(_ value: Int32) { uint32(UInt32(bitPattern: value)) }
    public mutating func uint64(_ value: UInt64) {
        uint32(UInt32(truncatingIfNeeded: value >> 32))
        uint32(UInt32(truncatingIfNeeded: value))
    }
    public mutating func bool(_ value: Bool) { uint32(value ? 1 : 0) }

    /// Bytes whose number both ends know.
    public mutating func fixed(_ content: some Collection<UInt8>) {
        bytes += content
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    public mutating func opaque(_ content: some Collection<UInt8>) {
        uint32(UInt32(content.count))
        fixed(content)
    }

    public mutating func string(_ text: String) { opaque(text.utf8) }

    public mutating func optionalString(_ text: String?) {
        bool(text != nil)
        if let text { string(text) }
    }

    public mutating func array<T>(_ elements: some Collection<T>, _ write: (inout Self, T) -> Void) {
        uint32(UInt32(elements.count))
        for element in elements { write(&self, element) }
    }

    /// `char[count]`: each character takes four bytes, as rpcgen writes them.
    public mutating func characters(_ text: String, count: Int) {
        let content = Array(text.utf8.prefix(count - 1))
        for index in 0..<count { uint32(index < content.count ? UInt32(content[index]) : 0) }
    }

    /// What a closure writes, as bytes.
    public static func bytes(_ write: (inout Self) -> Void) -> [UInt8] {
        var writer = Self()
        write(&writer)
        return writer.bytes
    }
}
