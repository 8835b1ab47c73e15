/// Why bytes are not what they should be: which part, where in it, and what is wrong.
public struct EvidenceError: Error, Equatable, CustomStringConvertible {
    public enum Part: String, Sendable {
        case evidence = "the evidence"
        case quote = "the quote"
        case signature = "the signature"
        case key = "the attestation key"
        case log = "the event log"
        case program = "the program"
    }
    public let part: Part
    /// In bytes, from the part's beginning.
    public let offset: Int
    public let reason: String

    public init(_ part: Part, at offset: Int, _ reason: String) {
        (self.part, self.offset, self.reason) = (part, offset, reason)
    }

    public var description: String { "\(part.rawValue) cannot be read, at byte \(offset): \(reason)" }
}
