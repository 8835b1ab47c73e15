/// Writes deterministic CBOR (RFC 8949, section 4.2.1) into a buffer of the caller's, and never beyond it.
///
/// Errors stick: after the first one nothing more is written, and `finish` throws it. So a message is written as
/// straight-line code and checked once. The writer counts items: a map with a missing value, keys that do not rise or
/// a second top-level item is an error too, so that what `finish` accepts is one well-formed deterministic item.
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
    private var levels = InlineArray<8, Level>(repeating: Level())
    private var depth = 0
    private var isComplete = false

    private struct Level {
        /// Items still to come; a map's keys and values are counted singly.
        var left: UInt64 = 0
        var isMap = false
        var lastKey: UInt64?
    }

    /// Writes from the first byte of `output`.
    @_lifetime(copy output)
    public init(_ output: consuming MutableSpan<UInt8>) { self.output = output }

    public mutating func uint(_ value: UInt64) { item(major: 0, value) }

    public mutating func int(_ value: Int64) {
        // -1 - value of a negative number is its bitwise complement, which cannot overflow.
        if value < 0 { item(major: 1, UInt64(~value)) } else { item(major: 0, UInt64(value)) }
    }

    /// A map key. Keys of one map must rise: `unsortedKeys`, `duplicateKey`.
    public mutating func key(_ value: UInt64) { item(major: 0, value) }

    public mutating func bool(_ value: Bool) { item(major: 7, value ? 21 : 20) }

    public mutating func null() { item(major: 7, 22) }

    /// A byte string.
    public mutating func bytes(_ value: borrowing Span<UInt8>) {
        item(major: 2, UInt64(value.count))
        append(value)
    }

    /// A text; `invalidUTF8` if it is none.
    public mutating func text(_ value: borrowing Span<UInt8>) {
        guard UTF8Check.isValid(value) else { return fail(.invalidUTF8) }
        item(major: 3, UInt64(value.count))
        append(value)
    }

    /// A text known at compile time.
    public mutating func text(_ value: StaticString) {
        item(major: 3, UInt64(value.utf8CodeUnitCount))
        // The compiler laid down utf8CodeUnitCount bytes of valid UTF-8 there, for the life of the program.
        for i in 0..<value.utf8CodeUnitCount { unsafe put(value.utf8Start[i]) }
    }

    /// An array's head; `count` items must follow.
    public mutating func array(_ count: Int) { open(major: 4, entries: count) }

    /// A map's head; `count` pairs of `key` and value must follow.
    public mutating func map(_ count: Int) { open(major: 5, entries: count) }

    /// The number of bytes written, if they are exactly one complete item; else the first error.
    public func finish() throws(CBORError) -> Int {
        if let error { throw error }
        guard isComplete else { throw .unfinished }
        return count
    }

    private mutating func fail(_ reason: CBORError) { if error == nil { error = reason } }

    private mutating func open(major: UInt8, entries: Int) {
        guard entries >= 0, entries <= Int(UInt32.max) else { return fail(.outOfRange) }
        guard depth < CBORDepth.max else { return fail(.tooDeep) }
        place(major, UInt64(entries))
        head(major, UInt64(entries))
        levels[depth] = Level(left: UInt64(entries) * (major == 5 ? 2 : 1), isMap: major == 5)
        depth += 1
        close()
    }

    private mutating func item(major: UInt8, _ value: UInt64) {
        place(major, value)
        head(major, value)
        close()
    }

    /// Checks that an item may stand here, and counts it.
    private mutating func place(_ major: UInt8, _ value: UInt64) {
        guard !isComplete else { return fail(.trailingBytes) }
        guard depth > 0 else { return }
        let top = depth - 1
        if levels[top].isMap, levels[top].left % 2 == 0 {
            guard major == 0 else { return fail(.wrongType) }
            if let last = levels[top].lastKey, value <= last {
                return fail(value == last ? .duplicateKey : .unsortedKeys)
            }
            levels[top].lastKey = value
        }
        levels[top].left -= 1
    }

    private mutating func close() {
        while depth > 0, levels[depth - 1].left == 0 { depth -= 1 }
        if depth == 0 { isComplete = true }
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

    private mutating func append(_ value: borrowing Span<UInt8>) {
        guard error == nil, value.count <= output.count - count else { return fail(.bufferFull) }
        for i in 0..<value.count { put(value[i]) }
    }

    private mutating func put(_ byte: UInt8) {
        guard error == nil else { return }
        guard count < output.count else { return fail(.bufferFull) }
        output[count] = byte
        count += 1
    }
}
