import Platform

// What of a partition's memory only its loader reads and writes.
extension GuestMemory {
    /// Reads an integer, little endian, at any alignment; nil outside RAM.
    public func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at gpa: UInt64) -> T? {
        guard let source = unsafe bytes(at: gpa, count: MemoryLayout<T>.size) else { return nil }
        return unsafe T(littleEndian: source.loadUnaligned(as: T.self))
    }

    /// Copies all of `source` to `gpa`. False, and nothing written, when it does not fit in RAM there.
    @discardableResult
    public func copy(from source: Span<UInt8>, to gpa: UInt64) -> Bool {
        unsafe source.withUnsafeBytes { unsafe copy(from: $0, to: gpa) }
    }

    /// Copies the characters of `text`, without its terminating zero, to `gpa`. False when they do not fit there.
    @discardableResult
    public func copy(from text: StaticString, to gpa: UInt64) -> Bool {
        unsafe copy(from: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), to: gpa)
    }
}
