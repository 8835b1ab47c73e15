/// What an attempt has seen, as words: `ones`, `512-ones` (a count), `3-of-3-#GP` (a count and how many there could have
/// been), `rcx=2`.
public struct Observation: Sendable, CustomStringConvertible {
    public private(set) var words: [String]

    init(_ text: Substring) { words = text.split(separator: ",").map(String.init) }
    init(_ words: [String]) { self.words = words }

    public var description: String { words.joined(separator: " ") }

    mutating func add(_ word: String) { words.append(word) }
}

/// What an attempt must see: terms, all of which hold. A term is alternatives (`a|b`), and each of these a word that must
/// be there, a count that must not be zero (`>0-ones`) or one that must be as large as it can be (`all-#GP`).
public struct Expectation: Sendable, CustomStringConvertible {
    private let terms: [String]

    init(_ text: String) { terms = text.split(separator: " ").map(String.init) }

    public var description: String { terms.joined(separator: " ") }

    public func holds(for seen: Observation) -> Bool {
        !terms.isEmpty
            && terms.allSatisfy { term in
                term.split(separator: "|").contains { alternative in
                    seen.words.contains { Self.matches(alternative, $0[...]) }
                }
            }
    }

    private static func matches(_ wanted: Substring, _ word: Substring) -> Bool {
        if wanted == word { return true }
        guard let count = Count(word) else { return false }
        if wanted.hasPrefix(">0-") { return count.value > 0 && wanted.dropFirst(3) == count.name }
        return wanted.hasPrefix("all-") && wanted.dropFirst(4) == count.name && count.value == count.most
    }

    /// `N-NAME` or `N-of-M-NAME`.
    private struct Count {
        let value: UInt64
        let most: UInt64?
        let name: Substring

        init?(_ word: Substring) {
            let parts = word.split(separator: "-", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count >= 2, let value = UInt64(parts[0]) else { return nil }
            self.value = value
            if parts.count == 4, parts[1] == "of", let most = UInt64(parts[2]) {
                self.most = most
                name = parts[3]
            } else {
                most = nil
                name = word.dropFirst(parts[0].count + 1)
            }
        }
    }
}
