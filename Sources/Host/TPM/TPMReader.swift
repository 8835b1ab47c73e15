/// Reads structures that a TPM has written. Nothing beyond the bytes that are there is read.
public struct TPMReader: Sendable {
    private var rest: ArraySlice<UInt8>
    /// Whose answer it is: for messages.
    private let command: TPMCommandCode

    public init(_ bytes: some Collection<UInt8>, of command: TPMCommandCode) {
        (rest, self.command) = (ArraySlice(bytes), command)
    }

    public var isAtEnd: Bool { rest.isEmpty }

    /// - Throws: `TPMError.malformed`, as all of these, where fewer bytes are left.
    public mutating func bytes(_ count: Int) throws(TPMError) -> [UInt8] {
        guard count <= rest.count else {
            throw .malformed(command, what: "it ends \(count - rest.count) bytes too early")
        }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    public mutating func integer<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type = T.self
    ) throws(TPMError) -> T {
        try bytes(T.bitWidth / 8).reduce(0) { $0 << 8 | T($1) }
    }

    /// The content of a TPM2B.
    public mutating func sized() throws(TPMError) -> [UInt8] { try bytes(Int(integer(UInt16.self))) }
}
