/// Writes deterministic CBOR (RFC 8949, section 4.2.1) into a buffer of the caller's, and never beyond it.
///
/// Errors stick: after the first one nothing more is written, and `finish` throws it. So a message is written as
/// straight-line code and checked once. That it is one well-formed item, with as many as each head announces and keys that rise,
/// is for the caller to see to, and for tests to check.
/// ```
/// var writer = CBORWriter(buffer.mutableSpan)
/// writer.map(2); writer.key(1); writer.text("idle"); writer.key(2); writer.uint(7)
/// let count = try writer.finish()
/// ```
public struct CBORWriter: ~Copyable, ~Escapable {
    private var output: MutableSpan<UInt8>
    /// Bytes written so far.
    public private(set) var count = 0
    /// The first error, if there was one.
    public private(set) var error: CBORError?

    /// Writes from the first byte of `output`.
    @_lifetime(copy output)
    public init(_ output: consuming MutableSpan<UInt8>) { self.output = output }

    public mutating func uint(_ value: UInt64) { head(0, value) }

    /// A map key. Keys of one map must rise.
    public mutating func key(_ value: UInt64) { head(0, value) }

    public mutating func bool(_ value: Bool) { head(7, value ? 21 : 20) }

    /// A byte string.
    public mutating func bytes(_ value: borrowing Span<UInt8>) {
        head(2, UInt64(value.count))
        for i in 0..<value.count { put(value[i]) }
    }

    /// A text of `count` bytes; `invalidText` if one of them is not printable ASCII. Bytes are asked for one by one: a span
    /// of text in a variable does not keep the variable in memory once the optimizer has inlined what reads it.
    public mutating func text(count: Int, _ byte: (Int) -> UInt8) {
        for i in 0..<count where !(0x20...0x7E ~= byte(i)) { return fail(.invalidText) }
        head(3, UInt64(count))
        for i in 0..<count { put(byte(i)) }
    }

    /// An array's head; `count` items must follow.
    public mutating func array(_ count: Int) { open(4, entries: count) }

    /// A map's head; `count` pairs of `key` and value must follow.
    public mutating func map(_ count: Int) { open(5, entries: count) }

    /// The number of bytes written; else the first error.
    public func finish() throws(CBORError) -> Int {
        if let error { throw error }
        return count
    }

    private mutating func fail(_ reason: CBORError) { if error == nil { error = reason } }

    private mutating func open(_ major: UInt8, entries: Int) {
        guard entries >= 0, entries <= Int(UInt32.max) else { return fail(.outOfRange) }
        head(major, UInt64(entries))
    }

    private mutating func head(_ major: UInt8, _ value: UInt64) {
        let size: Int
        switch value {
        case ..<24: return put(major << 5 | UInt8(value))
        case ...0xFF: size = 0
        case ...0xFFFF: size = 1
        case ...0xFFFF_FFFF: size = 2
        default: size = 3
        }
        put(major << 5 | UInt8(24 + size))
        var shift = 8 << size
        while shift > 0 {
            shift -= 8
            put(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    private mutating func put(_ byte: UInt8) {
        guard error == nil else { return }
        guard count < output.count else { return fail(.bufferFull) }
        output[count] = byte
        count += 1
    }
}
