import CBOR

/// An item of deterministic CBOR as a value.
indirect enum CBORItem {
    case unsigned(UInt64)
    case bytes([UInt8])
    case text([UInt8])
    case array([CBORItem])
    case map([UInt64: CBORItem])
    /// What no message of ours has: read past.
    case other

    private static let maxDepth = 8

    /// Reads all of `input`.
    init(_ input: [UInt8]) throws(CBORError) {
        var reader = CBORReader(input.span)
        self = try Self.next(&reader, input, depth: 0)
        try reader.finish()
    }

    private static func next(_ reader: inout CBORReader, _ input: [UInt8], depth: Int) throws(CBORError) -> CBORItem {
        guard depth < maxDepth else { throw .tooDeep }
        guard reader.remaining > 0 else { throw .truncated }
        // The major type (RFC 8949, section 3.1).
        switch input[reader.offset] >> 5 {
        case 0: return .unsigned(try reader.uint())
        case 2: return .bytes(copy(try reader.bytes(max: .max)))
        case 3: return .text(copy(try reader.text(max: .max)))
        case 4:
            let count = try reader.array(max: .max)
            var items: [CBORItem] = []
            for _ in 0..<count { items.append(try next(&reader, input, depth: depth + 1)) }
            return .array(items)
        case 5:
            var map = try reader.map(max: .max)
            var fields: [UInt64: CBORItem] = [:]
            while let key = try map.next(&reader) { fields[key] = try next(&reader, input, depth: depth + 1) }
            return .map(fields)
        default:
            _ = try reader.head()
            return .other
        }
    }

    private static func copy(_ span: Span<UInt8>) -> [UInt8] { (0..<span.count).map { span[$0] } }

    func unsigned() throws(CBORError) -> UInt64 {
        guard case .unsigned(let value) = self else { throw .wrongType }
        return value
    }

    func array(max: Int) throws(CBORError) -> [CBORItem] {
        guard case .array(let items) = self else { throw .wrongType }
        guard items.count <= max else { throw .tooLong }
        return items
    }

    func fields() throws(CBORError) -> [UInt64: CBORItem] {
        guard case .map(let fields) = self else { throw .wrongType }
        return fields
    }
}
