import Platform

/// Bounds-checked access to an image that may hold anything.
@safe
struct ImageReader {
    private let bytes: UnsafeRawBufferPointer

    @unsafe init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    var count: UInt64 { unsafe UInt64(bytes.count) }

    /// Reads a little-endian integer at any alignment.
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: UInt64) throws(LoadError) -> T {
        let source = unsafe try slice(at: offset, count: UInt64(MemoryLayout<T>.size))
        return unsafe T(littleEndian: source.loadUnaligned(as: T.self))
    }

    /// The bytes `offset..<offset + count` of the image.
    func slice(at offset: UInt64, count wanted: UInt64) throws(LoadError) -> UnsafeRawBufferPointer {
        guard offset <= count, count - offset >= wanted else { throw .truncated }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + Int(wanted)])
    }

    /// Whether the image holds exactly these bytes at `offset`; a string of `literal`'s bytes, without a terminator.
    func matches(_ literal: StaticString, at offset: UInt64) -> Bool {
        for i in 0..<literal.utf8CodeUnitCount {
            guard let byte = try? load(UInt8.self, at: offset &+ UInt64(i)),
                unsafe byte == literal.utf8Start[i]
            else { return false }
        }
        return true
    }
}
