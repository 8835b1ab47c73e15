/// Bounded reading of a firmware table: little endian, whatever the alignment.
struct TableReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// The end of the table by its own header, or of the bytes where that lies beyond.
    let end: Int

    /// The standard header (ACPI 6.5, section 5.2.6) is 36 bytes long and has the table's length at 4.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) throws(TopologyError) {
        self.bytes = bytes
        guard bytes.count >= 36 else { throw .malformed }
        var length = 0
        for i in 0..<4 { length |= Int(bytes[4 + i]) << (8 * i) }
        guard length >= 36, length <= bytes.count else { throw .malformed }
        end = length
    }

    /// The `size` bytes (1 to 8) at `offset`.
    func value(_ offset: Int, _ size: Int) throws(TopologyError) -> UInt64 {
        guard offset >= 0, offset <= end - size else { throw .malformed }
        var value: UInt64 = 0
        for i in 0..<size { value |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
        return value
    }

    func byte(_ offset: Int) throws(TopologyError) -> UInt8 { UInt8(truncatingIfNeeded: try value(offset, 1)) }
    func half(_ offset: Int) throws(TopologyError) -> UInt16 { UInt16(truncatingIfNeeded: try value(offset, 2)) }

    /// Calls `found` with the offset and the length of each structure behind the table's first 48 bytes, of which bytes 2
    /// and 3 are its length.
    func forEachStructure(_ found: (Int, Int) throws(TopologyError) -> Void) throws(TopologyError) {
        var at = 48
        while at < end {
            let length = Int(try half(at + 2))
            // What is shorter than its own header would never end.
            guard length >= 4, length <= end - at else { throw .malformed }
            try found(at, length)
            at += length
        }
    }
}
