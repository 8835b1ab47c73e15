/// Reads one field after another of bytes that anybody may have written, and nothing beyond their end.
struct FieldCursor {
    private let bytes: [UInt8]
    private let part: EvidenceError.Part
    private(set) var offset = 0

    init(_ bytes: [UInt8], of part: EvidenceError.Part) { (self.bytes, self.part) = (bytes, part) }

    var remaining: Int { bytes.count - offset }

    /// - Throws: `EvidenceError`, as all of these, where fewer bytes are left.
    mutating func take(_ count: Int) throws(EvidenceError) -> [UInt8] {
        guard count <= remaining else { throw failure("it ends \(count - remaining) bytes too early") }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// The most significant byte first, as a TPM writes.
    mutating func big<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) throws(EvidenceError) -> T {
        try take(T.bitWidth / 8).reduce(0) { $0 << 8 | T($1) }
    }

    /// The least significant byte first, as firmware writes.
    mutating func little<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) throws(EvidenceError) -> T {
        try take(T.bitWidth / 8).reversed().reduce(0) { $0 << 8 | T($1) }
    }

    /// The content of a TPM2B.
    mutating func sized(atMost limit: Int) throws(EvidenceError) -> [UInt8] {
        let count = Int(try big(UInt16.self))
        guard count <= limit else { throw failure("\(count) bytes where there can be \(limit)") }
        return try take(count)
    }

    /// Demands a field's value.
    mutating func require<T: FixedWidthInteger & UnsignedInteger>(
        _ value: T, _ reason: @autoclosure () -> String
    ) throws(EvidenceError) {
        let start = offset
        guard try big(T.self) == value else { throw EvidenceError(part, at: start, reason()) }
    }

    func finish() throws(EvidenceError) {
        guard remaining == 0 else { throw failure("\(remaining) bytes follow its end") }
    }

    func failure(_ reason: String) -> EvidenceError { EvidenceError(part, at: offset, reason) }
}
