/// A string of at most `capacity` bytes, stored inline: the shared wing has no heap.
public struct Text<let capacity: Int>: BitwiseCopyable, Sendable {
    public private(set) var bytes: InlineArray<capacity, UInt8>
    public private(set) var count: Int

    public init() {
        bytes = InlineArray(repeating: 0)
        count = 0
    }

    /// Appends one byte; false, and nothing changed, when the text is full.
    @discardableResult
    public mutating func append(_ byte: UInt8) -> Bool {
        guard count < capacity else { return false }
        bytes[count] = byte
        count += 1
        return true
    }

    /// Appends all of `other`; false, and nothing changed, when it does not fit.
    @discardableResult
    public mutating func append(contentsOf other: borrowing Span<UInt8>) -> Bool {
        guard other.count <= capacity - count else { return false }
        for i in 0..<other.count { bytes[count + i] = other[i] }
        count += other.count
        return true
    }

    public mutating func removeAll() { count = 0 }

    public var isEmpty: Bool { count == 0 }

    public static func == <let other: Int>(a: Text, b: Text<other>) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0..<a.count where a.bytes[i] != b.bytes[i] { return false }
        return true
    }
}

/// A text as a sink keeps the first `capacity` bytes and drops the rest.
extension Text: ByteSink {
    public mutating func put(_ byte: UInt8) { append(byte) }
}

/// A literal in the source; one longer than the capacity is a programming error and traps.
extension Text: ExpressibleByStringLiteral {
    public init(stringLiteral value: StaticString) {
        self.init()
        precondition(value.utf8CodeUnitCount <= capacity)
        // The compiler laid down utf8CodeUnitCount bytes there, for the life of the program.
        for i in 0..<value.utf8CodeUnitCount { unsafe append(value.utf8Start[i]) }
    }
}
