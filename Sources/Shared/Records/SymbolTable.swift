/// The names of the program's functions, as the build lays them down in a file beside the image: a count, as many pairs of
/// a function's offset in the image and its name's offset in the file (ascending, 32 bits each, little endian), then the
/// names, each ended by a zero byte.
@safe
public struct SymbolTable {
    private let bytes: UnsafeRawBufferPointer
    private let count: Int

    /// Nil when the bytes are no such table. They stay mapped and unchanged as long as the value is used.
    @unsafe public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 4 else { return nil }
        let count = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard count > 0, count <= (bytes.count - 4) / 8 else { return nil }
        unsafe self.bytes = bytes
        self.count = count
    }

    /// The function that holds `offset` and how far into it that is; its name is given byte by byte, at most `limit`.
    /// Nil before the first function.
    public func find(_ offset: UInt32, limit: Int, name: (UInt8) -> Void) -> UInt32? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if word(4 + middle * 8) <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let entry = 4 + (low - 1) * 8
        var at = Int(word(entry + 4))
        var left = limit
        while left > 0, unsafe at < bytes.count, unsafe bytes[at] != 0 {
            unsafe name(bytes[at])
            at += 1
            left -= 1
        }
        return offset - word(entry)
    }

    /// Tells one build's table from another's (FNV-1a, by 32-bit words).
    public var fingerprint: UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for i in unsafe 0..<bytes.count / 4 { hash = (hash ^ word(i * 4)) &* 0x0100_0193 }
        return hash
    }

    /// `at` + 4 lies within the bytes: `init` has checked the count.
    private func word(_ at: Int) -> UInt32 {
        unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
}
