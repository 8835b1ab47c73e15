/// Who asks for something.
public enum PolicySubject: Hashable, Sendable, CustomStringConvertible {
    /// A user of this machine, as its kernel names him.
    case uid(UInt32)
    /// Whoever has the key of a certificate, by the name in the authority's list.
    case certificate(String)

    /// How a certificate's name begins where users are named too.
    public static let certificatePrefix = "certificate:"

    public var description: String {
        switch self {
        case .uid(let number): "uid \(number)"
        case .certificate(let name): "certificate \(name)"
        }
    }
}
