/// Structures as a TPM reads them: the most significant byte first, nothing between fields.
public struct TPMWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    /// A part that is longer than its length can say; the command that has it is none.
    private(set) var isTooLong = false

    public init() {}

    public mutating func put<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        for i in stride(from: T.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> T(i)))
        }
    }

    public mutating func put(_ bytes: some Sequence<UInt8>) { self.bytes += bytes }

    /// A TPM2B: the length as 16 bits, then the bytes.
    public mutating func put(sized content: some Collection<UInt8>) {
        guard let count = UInt16(exactly: content.count) else { return isTooLong = true }
        put(count)
        put(content)
    }

    /// A TPM2B of a structure.
    public mutating func put(sized structure: (inout TPMWriter) -> Void) {
        var inner = TPMWriter()
        structure(&inner)
        isTooLong = isTooLong || inner.isTooLong
        put(sized: inner.bytes)
    }
}
