extension [UInt8] {
    /// Writes a little-endian integer, growing the array when it must.
    public mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        let size = T.bitWidth / 8
        if count < offset + size { append(contentsOf: [UInt8](repeating: 0, count: offset + size - count)) }
        for i in 0..<size { self[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }
    public mutating func put(_ bytes: [UInt8], at offset: Int) {
        for (i, byte) in bytes.enumerated() { put(byte, at: offset + i) }
    }
}
