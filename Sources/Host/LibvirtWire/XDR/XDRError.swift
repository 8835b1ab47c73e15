/// Why bytes are not the XDR (RFC 4506) that was expected.
public enum XDRError: Error, Equatable, CustomStringConvertible {
    /// They end before the value does.
    case truncated
    /// A length is above the protocol's or the procedure's bound.
    case tooLong(limit: Int)
    /// A text that is not UTF-8, or has a NUL in it.
    case notText
    /// A discriminant that the union does not have.
    case unknownCase(Int32)
    /// Bytes are left behind the last value.
    case trailing(Int)

    public var description: String {
        switch self {
        case .truncated: "the message ends too early"
        case .tooLong(let limit): "a length is above its bound of \(limit)"
        case .notText: "a string is not UTF-8, or has a NUL in it"
        case .unknownCase(let value): "a union has no case \(value)"
        case .trailing(let count): "\(count) bytes too many"
        }
    }
}
