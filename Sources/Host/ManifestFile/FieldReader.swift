import Manifest
import ManifestRules
import Text
import Yams

/// A field of the manifest, or of one partition.
struct FieldKey: Hashable {
    var partition: Int?
    var field: ManifestField
}

/// Walks the nodes of a file and keeps what it found: problems, and the line of each field.
struct FieldReader {
    let file: String
    private(set) var problems: [ManifestProblem] = []
    private(set) var lines: [FieldKey: Int] = [:]
    /// Fields with a problem already: what follows from it is not told again.
    private(set) var broken: Set<FieldKey> = []
    /// By partition; only tools ask for it.
    var readiness: [Int: Readiness] = [:]
    /// Partitions of whose console the file says nothing.
    var openConsoles: Set<Int> = []
    /// The partition whose fields are being read.
    var partition: Int?

    init(file: String) { self.file = file }

    /// Adds a problem. Its field counts as broken from then on, unless `isConsequence` says that there may be more to
    /// tell about it.
    mutating func fail(
        _ line: Int?, _ reason: String, hint: String? = nil, field: ManifestField? = nil, isConsequence: Bool = false
    ) {
        problems.append(ManifestProblem(file: file, line: line, field: field?.name, reason: reason, hint: hint))
        if let field, !isConsequence { broken.insert(FieldKey(partition: partition, field: field)) }
    }

    mutating func markBroken(_ fields: [ManifestField]) {
        for field in fields { broken.insert(FieldKey(partition: partition, field: field)) }
    }

    mutating func locate(_ field: ManifestField, _ node: Node) {
        lines[FieldKey(partition: partition, field: field)] = node.mark?.line
    }

    /// The values of a mapping by key. Unknown keys and missing ones are problems; `what` names the mapping in them.
    mutating func mapping(
        _ node: Node, _ what: String, known: [String], required: [(key: String, field: ManifestField)] = [],
        field: ManifestField
    ) -> [String: Node] {
        guard case .mapping(let mapping) = node else {
            fail(node.mark?.line, "\(what) must be lines of \"key: value\"", hint: keysHint(known), field: field)
            return [:]
        }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            let line = key.mark?.line ?? node.mark?.line
            guard case .scalar(let scalar) = key else {
                fail(line, "a key of \(what) must be a word", hint: keysHint(known))
                continue
            }
            guard known.contains(scalar.string) else {
                let help = hint(for: scalar.string, among: known)
                fail(line, "unknown key \(quoted(scalar.string)) in \(what)", hint: help)
                continue
            }
            values[scalar.string] = value
        }
        for (key, field) in required where values[key] == nil {
            fail(node.mark?.line, "\(what) has no \"\(key)\"", hint: "add a line \"\(key): ...\"", field: field)
        }
        return values
    }

    /// The items of a list, of which at most `most` are looked at; more are a problem. `what` names them.
    mutating func list(_ node: Node, _ field: ManifestField, _ what: String, most: Int) -> [Node] {
        locate(field, node)
        guard case .sequence(let list) = node else {
            fail(
                node.mark?.line, "\"\(what)\" must be a list", hint: "start each with \"- name: ...\"", field: field)
            return []
        }
        if list.count > most {
            fail(list[most].mark?.line, "there are \(list.count) \(what); the most is \(most)", field: field)
        }
        return Array(list.prefix(most))
    }

    private func keysHint(_ known: [String]) -> String { "known here: " + known.joined(separator: ", ") }

    /// The text of a scalar; anything else is a problem.
    mutating func text(_ node: Node, _ field: ManifestField) -> String? {
        locate(field, node)
        guard case .scalar(let scalar) = node else {
            fail(node.mark?.line, "\"\(field.name)\" must be a single value", field: field)
            return nil
        }
        if scalar.style == .plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
            fail(node.mark?.line, "\"\(field.name)\" has no value", field: field)
            return nil
        }
        return scalar.string
    }

    /// A scalar through `parse`.
    mutating func value<T>(
        _ node: Node?, _ field: ManifestField, _ parse: (String) throws(ValueError) -> T
    ) -> T? {
        guard let node, let text = text(node, field) else { return nil }
        do throws(ValueError) {
            return try parse(text)
        } catch {
            fail(node.mark?.line, error.reason, hint: error.hint, field: field)
            return nil
        }
    }

    /// A list of words, none of them twice.
    /// - Parameter what: a word is, in a sentence.
    mutating func flags<Flags: FlagSet>(
        _ node: Node, _ field: ManifestField, _ names: [(name: String, value: Flags)], _ what: String, hint: String
    ) -> Flags {
        var set = Flags()
        locate(field, node)
        guard case .sequence(let items) = node else {
            fail(node.mark?.line, "\"\(field.name)\" must be a list", hint: hint, field: field)
            return set
        }
        for item in items {
            let word = value(item, field) { (text) throws(ValueError) in
                let word = try parseWord(text, names, what)
                if set.contains(word) { throw ValueError(reason: "\(quoted(text)) is named twice", hint: nil) }
                return word
            }
            if let word { set.insert(word) }
        }
        locate(field, node)
        return set
    }

    /// A text of bounded length.
    mutating func text<let n: Int>(_ node: Node?, _ field: ManifestField, into target: inout Text<n>) {
        let parsed = value(node, field) { (text: String) throws(ValueError) -> Text<n> in
            if let fitting = Text<n>(text) { return fitting }
            throw ValueError(reason: "\"\(field.name)\" has \(text.utf8.count) bytes; the most is \(n)")
        }
        if let parsed { target = parsed }
    }
}
