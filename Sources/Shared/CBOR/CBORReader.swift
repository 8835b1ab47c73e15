/// Pulls items one by one out of deterministic CBOR. It allocates nothing, copies nothing and traps on no input.
///
/// The caller says what it expects; anything else is a `CBORError`. After an error the reader's position is
/// unspecified: give the input up. Strings come back as spans into the input.
public struct CBORReader: ~Escapable {
    let input: Span<UInt8>
    /// Bytes read so far.
    public private(set) var offset = 0
    /// Where the item begins that was read last, or that was refused.
    public private(set) var itemOffset = 0

    /// Reads from the first byte of `input`.
    @_lifetime(copy input)
    public init(_ input: Span<UInt8>) { self.input = input }

    /// Bytes not read yet.
    public var remaining: Int { input.count - offset }

    /// An item's head: major type and argument (RFC 8949, section 3).
    package struct Head {
        package var major: UInt8
        package var info: UInt8
        package var value: UInt64
    }

    /// Reads one head, refusing what deterministic encoding and our formats leave out.
    package mutating func head() throws(CBORError) -> Head {
        itemOffset = offset
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

    /// An unsigned integer of at most `max`, else `outOfRange`.
    public mutating func uint(max: UInt64 = .max) throws(CBORError) -> UInt64 {
        let head = try head()
        guard head.major == 0 else { throw .wrongType }
        guard head.value <= max else { throw .outOfRange }
        return head.value
    }

    /// `true` or `false`.
    public mutating func bool() throws(CBORError) -> Bool {
        let head = try head()
        guard head.major == 7, head.info != 22 else { throw .wrongType }
        return head.info == 21
    }

    /// A byte string of at most `max` bytes, else `tooLong`; a view of the input.
    @_lifetime(copy self)
    public mutating func bytes(max: Int) throws(CBORError) -> Span<UInt8> { try string(major: 2, max: max) }

    /// A text of at most `max` bytes of printable ASCII, else `tooLong` or `invalidText`; a view of the input.
    @_lifetime(copy self)
    public mutating func text(max: Int) throws(CBORError) -> Span<UInt8> { try string(major: 3, max: max) }

    @_lifetime(copy self)
    private mutating func string(major: UInt8, max: Int) throws(CBORError) -> Span<UInt8> {
        let head = try head()
        guard head.major == major else { throw .wrongType }
        let found = try content(head)
        guard found.count <= max else { throw .tooLong }
        return found
    }

    /// The bytes of a string whose head was read.
    @_lifetime(copy self)
    package mutating func content(_ head: Head) throws(CBORError) -> Span<UInt8> {
        guard head.value <= UInt64(remaining) else { throw .truncated }
        let start = offset
        offset += Int(head.value)
        let found = input.extracting(start..<offset)
        guard head.major == 2 || found.isPrintable else { throw .invalidText }
        return found
    }

    /// An array's head: how many items follow, at most `max`, else `tooLong`.
    public mutating func array(max: Int) throws(CBORError) -> Int { try count(4, bytesEach: 1, max: max) }

    /// A map's head: at most `max` pairs, else `tooLong`. Take its keys with `CBORMap.next`.
    public mutating func map(max: Int) throws(CBORError) -> CBORMap {
        CBORMap(remaining: try count(5, bytesEach: 2, max: max))
    }

    /// How many entries follow, of which each takes `bytesEach` bytes at least: a count beyond the input is caught before
    /// anything is believed.
    private mutating func count(_ major: UInt8, bytesEach: Int, max: Int) throws(CBORError) -> Int {
        let head = try head()
        guard head.major == major else { throw .wrongType }
        guard head.value <= UInt64(remaining / bytesEach) else { throw .truncated }
        guard head.value <= UInt64(max) else { throw .tooLong }
        return Int(head.value)
    }

    /// Demands that nothing is left.
    public mutating func finish() throws(CBORError) {
        itemOffset = offset
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

extension Span<UInt8> {
    /// Whether every byte is printable ASCII.
    var isPrintable: Bool {
        for i in 0..<count where !(0x20...0x7E ~= self[i]) { return false }
        return true
    }
}
