import Yams

/// Walks the nodes of a file that is no manifest (a policy, a configuration) and keeps what is wrong with it.
package struct NodeReader {
    package let file: String
    package private(set) var problems: [ManifestProblem] = []

    package init(file: String) { self.file = file }

    package mutating func fail(_ node: Node, _ reason: String, _ hint: String? = nil) {
        problems.append(ManifestProblem(file: file, line: node.mark?.line, reason: reason, hint: hint))
    }

    /// The entries of a mapping.
    /// - Parameter known: its keys; nil: any.
    package mutating func entries(
        _ node: Node, _ what: String, known: [String]? = nil, required: [String] = []
    ) -> [(key: String, keyNode: Node, value: Node)] {
        guard case .mapping(let mapping) = node else {
            fail(node, "\(what) must be lines of \"key: value\"")
            return []
        }
        var found: [(key: String, keyNode: Node, value: Node)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                fail(key, "a key of \(what) must be a word")
                continue
            }
            if let known, !known.contains(scalar.string) {
                fail(key, "unknown key \(quoted(scalar.string)) in \(what)", hint(for: scalar.string, among: known))
                continue
            }
            found.append((scalar.string, key, value))
        }
        for key in required where !found.contains(where: { $0.key == key }) { fail(node, "\(what) has no \"\(key)\"") }
        return found
    }

    package mutating func word(_ node: Node, _ what: String) -> String? {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            fail(node, "\(what) must be a single word")
            return nil
        }
        return scalar.string
    }

    /// A list of words, with their nodes.
    package mutating func words(_ node: Node, _ what: String) -> [(String, Node)] {
        guard case .sequence(let items) = node, !items.isEmpty else {
            fail(node, "\(what) must be a list with something in it", "write [a, b]")
            return []
        }
        var found: [(String, Node)] = []
        for item in items { if let word = word(item, "a word of \(what)") { found.append((word, item)) } }
        return found
    }

    /// `true` or `false`.
    package mutating func flag(_ node: Node, _ what: String) -> Bool? {
        guard let word = word(node, what) else { return nil }
        do throws(ValueError) { return try parseFlag(word) } catch {
            fail(node, "\(what): \(error.reason)", error.hint)
            return nil
        }
    }

    /// - Throws: `ManifestRefused` with all that was wrong, by lines: of a file with a fault nothing counts.
    package func finish() throws(ManifestRefused) {
        guard problems.isEmpty else {
            throw ManifestRefused(problems: problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
    }
}
