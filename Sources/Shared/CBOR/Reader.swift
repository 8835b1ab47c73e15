/// Pulls items one by one out of deterministic CBOR. It allocates nothing, copies nothing and traps on no input.
///
/// The caller says what it expects; anything else is a `CBORError`. After an error the reader's position is
/// unspecified: give the input up. Strings come back as spans into the input.
public struct CBORReader: ~Escapable {
    let input: Span<UInt8>
    /// Bytes read so far.
    public private(set) var offset = 0

    /// Reads from the first byte of `input`.
    @_lifetime(copy input)
    public init(_ input: Span<UInt8>) { self.input = input }

    /// Moves on by `count` bytes, which the caller has found to be there.
    mutating func advance(_ count: Int) { offset += count }

    /// Bytes not read yet.
    public var remaining: Int { input.count - offset }

    /// An item's head: major type and argument (RFC 8949, section 3).
    struct Head {
        var major: UInt8
        var info: UInt8
        var value: UInt64
    }

    /// Reads one head, refusing what deterministic encoding and our formats leave out.
    mutating func head() throws(CBORError) -> Head {
        guard remaining >= 1 else { throw .truncated }
        let first = input[offset]
        let major = first >> 5
        let info = first & 0x1F
        offset += 1
        if major == 6 { throw .tag }
        if info < 24 {
            if major == 7, info < 20 || info > 22 { throw .simpleValue }
            return Head(major: major, info: info, value: UInt64(info))
        }
        if info == 31 { throw major < 2 ? .malformedHead : .indefiniteLength }
        if info > 27 { throw .malformedHead }
        if major == 7, info > 24 { throw .float }
        let size = 1 << Int(info - 24)
        guard remaining >= size else { throw .truncated }
        var value: UInt64 = 0
        for k in 0..<size { value = value << 8 | UInt64(input[offset + k]) }
        offset += size
        if major == 7 { throw value < 32 ? .malformedHead : .simpleValue }
        // The value must not fit the next shorter form: below 24, or half as many bytes.
        let bound: UInt64 = size == 1 ? 24 : 1 << UInt64(size * 4)
        guard value >= bound else { throw .notShortest }
        return Head(major: major, info: info, value: value)
    }

    /// What the next item is, without reading it.
    public func peek() throws(CBORError) -> CBORKind {
        guard remaining >= 1 else { throw .truncated }
        let first = input[offset]
        switch first >> 5 {
        case 0: return .unsigned
        case 1: return .negative
        case 2: return .bytes
        case 3: return .text
        case 4: return .array
        case 5: return .map
        case 6: throw .tag
        default:
            switch first & 0x1F {
            case 20, 21: return .bool
            case 22: return .null
            case 25, 26, 27: throw .float
            case 28, 29, 30: throw .malformedHead
            case 31: throw .indefiniteLength
            default: throw .simpleValue
            }
        }
    }

    /// An unsigned integer of at most `max`, else `outOfRange`.
    public mutating func uint(max: UInt64 = .max) throws(CBORError) -> UInt64 {
        let head = try head()
        guard head.major == 0 else { throw .wrongType }
        guard head.value <= max else { throw .outOfRange }
        return head.value
    }

    /// An integer of either sign that fits 64 bits, else `outOfRange`.
    public mutating func int() throws(CBORError) -> Int64 {
        let head = try head()
        guard head.major <= 1 else { throw .wrongType }
        guard let value = Int64(exactly: head.value) else { throw .outOfRange }
        return head.major == 0 ? value : -1 - value
    }

    /// `true` or `false`.
    public mutating func bool() throws(CBORError) -> Bool {
        let head = try head()
        guard head.major == 7, head.info != 22 else { throw .wrongType }
        return head.info == 21
    }

    /// `null`.
    public mutating func null() throws(CBORError) {
        let head = try head()
        guard head.major == 7, head.info == 22 else { throw .wrongType }
    }

    /// A byte string of at most `max` bytes, else `tooLong`; a view of the input.
    @_lifetime(copy self)
    public mutating func bytes(max: Int) throws(CBORError) -> Span<UInt8> {
        try string(major: 2, max: max)
    }

    /// A text of at most `max` bytes of valid UTF-8, else `tooLong` or `invalidUTF8`; a view of the input.
    @_lifetime(copy self)
    public mutating func text(max: Int) throws(CBORError) -> Span<UInt8> {
        let text = try string(major: 3, max: max)
        guard UTF8Check.isValid(text) else { throw .invalidUTF8 }
        return text
    }

    @_lifetime(copy self)
    private mutating func string(major: UInt8, max: Int) throws(CBORError) -> Span<UInt8> {
        let head = try head()
        guard head.major == major else { throw .wrongType }
        guard head.value <= UInt64(remaining) else { throw .truncated }
        let count = Int(head.value)
        guard count <= max else { throw .tooLong }
        let start = offset
        offset += count
        return input.extracting(start..<offset)
    }

    /// An array's head: how many items follow, at most `max`, else `tooLong`.
    public mutating func array(max: Int) throws(CBORError) -> Int {
        let head = try head()
        guard head.major == 4 else { throw .wrongType }
        // Each item takes one byte at least, so a count beyond the input is caught before anything is believed.
        guard head.value <= UInt64(remaining) else { throw .truncated }
        guard head.value <= UInt64(max) else { throw .tooLong }
        return Int(head.value)
    }

    /// A map's head: at most `max` pairs, else `tooLong`. Take its keys with `CBORMap.next`.
    public mutating func map(max: Int) throws(CBORError) -> CBORMap {
        let head = try head()
        guard head.major == 5 else { throw .wrongType }
        guard head.value <= UInt64(remaining / 2) else { throw .truncated }
        guard head.value <= UInt64(max) else { throw .tooLong }
        return CBORMap(remaining: Int(head.value))
    }

    /// Demands that nothing is left.
    public func finish() throws(CBORError) {
        guard remaining == 0 else { throw .trailingBytes }
    }
}

/// Walks a map whose keys are unsigned integers, in strictly rising order:
/// ```
/// var map = try reader.map(max: 8)
/// while let key = try map.next(&reader) { switch key { case 1: name = try reader.text(max: 31) ... } }
/// ```
/// For each key the caller reads, or skips, exactly one value.
public struct CBORMap: Sendable {
    /// Pairs not taken yet.
    public private(set) var remaining: Int
    private var last: UInt64?

    init(remaining: Int) { self.remaining = remaining }

    /// The next key, or nil after the last pair. Throws `unsortedKeys` and `duplicateKey`.
    public mutating func next(_ reader: inout CBORReader) throws(CBORError) -> UInt64? {
        guard remaining > 0 else { return nil }
        remaining -= 1
        let key = try reader.uint()
        if let last {
            guard key != last else { throw .duplicateKey }
            guard key > last else { throw .unsortedKeys }
        }
        last = key
        return key
    }
}
