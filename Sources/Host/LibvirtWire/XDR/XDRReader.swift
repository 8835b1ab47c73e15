/// Reads values out of bytes that a peer sent. No length is believed before it is checked against its bound and against the
/// bytes that are there: nothing is allocated for what has not come.
public struct XDRReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Bytes of the longest string that libvirt's protocol has (`VIR_NET_MESSAGE_STRING_MAX`).
    public static let maxString = 4 << 20

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Bytes that are not read yet.
    public var left: Int { bytes.endIndex - position }

    public mutating func uint32() throws(XDRError) -> UInt32 {
        guard left >= 4 else { throw .truncated }
        defer { position += 4 }
        return bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    public mutating func int32() throws(XDRError) -> Int32 { Int32(bitPattern: try uint32()) }

    /// Any number but 0 is true: go-libvirt sends 1 in the first byte.
    public mutating func bool() throws(XDRError) -> Bool { try uint32() != 0 }

    /// So many bytes, and what fills them up to a multiple of four.
    public mutating func opaque(count: Int) throws(XDRError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left, (count + 3) & ~3 <= left else { throw .truncated }
        defer { position += (count + 3) & ~3 }
        return bytes[position..<position + count]
    }

    /// Bytes with their length before them.
    public mutating func opaque(max: Int) throws(XDRError) -> ArraySlice<UInt8> {
        let count = try length(max: max, least: 0)
        return try opaque(count: count)
    }

    public mutating func string(max: Int = maxString) throws(XDRError) -> String {
        let content = try opaque(max: max)
        guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else { throw .notText }
        return text
    }

    public mutating func optional<T>(_ read: (inout Self) throws(XDRError) -> T) throws(XDRError) -> T? {
        guard try bool() else { return nil }
        return try read(&self)
    }

    public mutating func optionalString(max: Int = maxString) throws(XDRError) -> String? {
        try optional { (reader) throws(XDRError) in try reader.string(max: max) }
    }

    /// - Parameter least: bytes that an element takes at least.
    public mutating func array<T>(
        max: Int, least: Int = 4, _ read: (inout Self) throws(XDRError) -> T
    ) throws(XDRError) -> [T] {
        let count = try length(max: max, least: least)
        var elements: [T] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    private mutating func length(max: Int, least: Int) throws(XDRError) -> Int {
        let count = Int(try uint32())
        guard count <= max else { throw .tooLong(limit: max) }
        guard count * least <= left else { throw .truncated }
        return count
    }

    /// Everything must have been read.
    public func end() throws(XDRError) {
        guard left == 0 else { throw .trailing(left) }
    }
}
