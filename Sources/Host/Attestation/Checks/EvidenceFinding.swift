/// What one check of evidence has found.
public struct EvidenceFinding: Codable, Equatable, Sendable {
    public enum State: String, Codable, Sendable {
        case good, bad
        /// What is worth knowing, and decides nothing.
        case note
    }
    /// Of the check: `volume`, `memory-keys`, `key`, `signature`, `quote`, `nonce`, `log`, `banks`, `baseline`, `pcr-11`, `pcr-12`, `program`, `secure-boot`
    /// or `clock`.
    public var name: String
    public var state: State
    /// One sentence, for people.
    public var words: String
    /// What differs, one each.
    public var details: [String] = []

    public init(_ name: String, _ state: State, _ words: String, _ details: [String] = []) {
        (self.name, self.state, self.words, self.details) = (name, state, words, details)
    }
    init(_ name: String, _ isGood: Bool, _ words: String, _ details: [String] = []) {
        self.init(name, isGood ? .good : .bad, words, details)
    }
}
