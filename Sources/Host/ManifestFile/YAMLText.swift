import Yams

/// The longest manifest file that is read, in bytes; a full one with many comments stays far below.
let maxFileSize = 256 << 10

/// Composes the one YAML document of `text`; what YAML itself refuses becomes a problem.
package func composeYAML(_ text: String, file: String) throws(ManifestRefused) -> Node {
    func refused(_ line: Int?, _ reason: String, _ hint: String? = nil) -> ManifestRefused {
        ManifestRefused(problems: [ManifestProblem(file: file, line: line, reason: reason, hint: hint)])
    }
    func compose(_ text: String) throws -> Node {
        // The parser is kept until the anchors have been looked for: nodes refer to them weakly.
        let parser = try Parser(yaml: text)
        return try withExtendedLifetime(parser) {
            guard let node = try parser.singleRoot() else { throw refused(nil, "the file is empty") }
            // A manifest is read by people, who should find each value where it counts; and an alias can make a short
            // file stand for an endless one.
            if let anchored = firstAnchored(node) {
                let reason = "anchors (&) and aliases (*) are not used here"
                throw refused(anchored.mark?.line, reason, "write the value out")
            }
            return node
        }
    }
    do {
        // Yams hashes the keys of a mapping while it composes: one that is an alias of aliases takes for ever. Up to the
        // first alias the same text without any is the same tokens, and the anchor that it needs is before it.
        let star = UInt8(ascii: "*"), plus = UInt8(ascii: "+")
        if text.utf8.contains(UInt8(ascii: "&")), text.utf8.contains(star) {
            _ = try compose(String(decoding: text.utf8.map { $0 == star ? plus : $0 }, as: UTF8.self))
        }
        return try compose(text)
    } catch let error as ManifestRefused {
        throw error
    } catch let error as YamlError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            throw refused(mark.line, "this is not YAML: \(problem)", yamlHint(problem))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map(quoted).joined(separator: ", ")
            throw refused(context.mark.line, "the key \(keys) occurs more than once")
        case .reader(let problem, _, _, _): throw refused(nil, "this is not text: \(problem)")
        default: throw refused(nil, "this is not YAML: \(error)")
        }
    } catch {
        throw refused(nil, "this is not YAML: \(error)")
    }
}

private func yamlHint(_ problem: String) -> String? {
    if problem.contains("cannot start any token") { return "indent with spaces, not with tabs" }
    if problem.contains("mapping values are not allowed") { return "put quotes around a value that has \": \" in it" }
    return nil
}

/// The first node with an anchor. An alias comes after its anchor, so none is followed and the work is the file's length.
private func firstAnchored(_ node: Node) -> Node? {
    if node.anchor != nil { return node }
    switch node {
    case .mapping(let mapping):
        for (key, value) in mapping {
            if let found = firstAnchored(key) ?? firstAnchored(value) { return found }
        }
    case .sequence(let sequence):
        for item in sequence {
            if let found = firstAnchored(item) { return found }
        }
    case .scalar, .alias: break
    }
    return nil
}
