import Foundation
import Keys
import Manifest
import ManifestFile
import ManifestRules
import Yams

/// Makes a policy of the nodes of its file.
struct PolicyReader {
    private(set) var nodes: NodeReader
    /// The names of all roles.
    private var known: [String] = []
    private static let nameRule = "write 64 visible characters at most"

    init(file: String) { nodes = NodeReader(file: file) }

    mutating func read(_ root: Node, _ find: (String) -> FoundUser, into policy: inout Policy) {
        let parts = nodes.entries(root, "the policy", known: ["roles", "users", "certificates"], required: ["roles"])
        if !parts.contains(where: { $0.key != "roles" }) {
            nodes.fail(root, "the policy has no \"users\" and no \"certificates\"")
        }
        for part in parts where part.key == "roles" {
            for role in nodes.entries(part.value, "\"roles\"") {
                // YAML takes 1 and "1" for two.
                if policy.roles[role.key] != nil {
                    nodes.fail(role.keyNode, "role \(quoted(role.key)) occurs more than once")
                }
                guard isPlain(role.key) else {
                    nodes.fail(role.keyNode, "\(quoted(role.key)) is no role's name", Self.nameRule)
                    continue
                }
                policy.roles[role.key] = rules(role.value, role.key)
            }
        }
        known = policy.roles.keys.sorted()
        for part in parts where part.key == "certificates" {
            for entry in nodes.entries(part.value, "\"certificates\"") {
                let roles = roles(of: entry, policy)
                guard CertificateList.isName(entry.key) else {
                    nodes.fail(entry.keyNode, "\(quoted(entry.key)) is no certificate's name", CertificateList.nameRule)
                    continue
                }
                guard policy.subjects[.certificate(entry.key)] == nil else {
                    nodes.fail(entry.keyNode, "certificate \(quoted(entry.key)) occurs more than once")
                    continue
                }
                policy.subjects[.certificate(entry.key)] = (entry.key, roles)
            }
        }
        for part in parts where part.key == "users" {
            for user in nodes.entries(part.value, "\"users\"") {
                let roles = roles(of: user, policy)
                if parseNumber(user.key) != nil, Policy.uid(user.key) == nil {
                    nodes.fail(user.keyNode, "\(user.key) is no uid")
                }
                guard isPlain(user.key) else {
                    nodes.fail(user.keyNode, "\(quoted(user.key)) is no user's name", Self.nameRule)
                    continue
                }
                let number: UInt32
                switch Policy.uid(user.key).map({ .uid($0) }) ?? find(user.key) {
                case .uid(let found): number = found
                case .absent:
                    policy.unknownUsers.append(user.key)
                    continue
                case .unknown(let error):
                    // A list that is down takes nobody's rights.
                    let why = unsafe String(cString: strerror(error))
                    nodes.fail(user.keyNode, "whether there is a user \(quoted(user.key)) is not known now: \(why)")
                    continue
                }
                guard !Policy.nobody.contains(number) else {
                    nodes.fail(
                        user.keyNode, "uid \(number) is whom the kernel has no number for: anybody may come as that")
                    continue
                }
                guard policy.subjects[.uid(number)] == nil else {
                    nodes.fail(user.keyNode, "\(quoted(user.key)) has uid \(number), which another line has already")
                    continue
                }
                policy.subjects[.uid(number)] = (user.key, roles)
            }
        }
    }

    /// Names are shown in messages and logs, as they are.
    private func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.unicodeScalars.count <= 64 && printable(name) == name
    }

    private mutating func roles(of entry: (key: String, keyNode: Node, value: Node), _ policy: Policy) -> [String] {
        var roles: [String] = []
        for (role, node) in nodes.words(entry.value, "the roles of \(quoted(entry.key))") {
            if policy.roles[role] != nil {
                roles.append(role)
            } else {
                nodes.fail(node, "there is no role \(quoted(role))", hint(for: role, among: known))
            }
        }
        return roles
    }

    private mutating func rules(_ node: Node, _ role: String) -> [Policy.Rule] {
        guard case .sequence(let items) = node else {
            nodes.fail(node, "role \(quoted(role)) must be a list of rules", "begin each with \"- allow: [...]\"")
            return []
        }
        return items.map { rule($0) }
    }

    private mutating func rule(_ node: Node) -> Policy.Rule {
        var rule = Policy.Rule(line: node.mark?.line ?? 0)
        let known = ["allow", "partitions", "when"]
        for entry in nodes.entries(node, "a rule", known: known, required: ["allow", "partitions"]) {
            switch entry.key {
            case "allow":
                let names = PolicyOperation.allCases.map(\.rawValue)
                for (word, node) in nodes.words(entry.value, "\"allow\"") {
                    guard let operation = PolicyOperation(rawValue: word) else {
                        nodes.fail(
                            node, "\(quoted(word)) is nothing that can be allowed", hint(for: word, among: names))
                        continue
                    }
                    rule.operations.insert(operation)
                }
            case "partitions":
                if case .scalar(let scalar) = entry.value, scalar.string == "all" {
                    rule.partitions = nil
                } else {
                    let names = nodes.words(entry.value, "\"partitions\", if not \"all\",").map(\.0)
                    if names.contains("all") {
                        nodes.fail(entry.value, "\"all\" stands alone", "write partitions: all")
                    }
                    rule.partitions = Set(names)
                }
            default: rule.conditions = conditions(entry.value)
            }
        }
        return rule
    }

    private mutating func conditions(_ node: Node) -> PolicyConditions {
        var conditions = PolicyConditions()
        let anchors = PolicyConditions.anchors
        for entry in nodes.entries(node, "\"when\"", known: anchors.map(\.name) + ["machine", "hours", "days"]) {
            switch entry.key {
            case "machine": conditions.machine = nodes.word(entry.value, "\"machine\"")
            case "hours":
                guard let text = nodes.word(entry.value, "\"hours\"") else { continue }
                conditions.hours = Self.hours(text)
                if conditions.hours == nil {
                    nodes.fail(entry.value, "\(quoted(text)) is no time of the day", "write 06:00-20:00, in UTC")
                }
            case "days":
                for (word, node) in nodes.words(entry.value, "\"days\"") {
                    guard let day = PolicyConditions.dayNames.firstIndex(of: word) else {
                        nodes.fail(node, "\(quoted(word)) is no day", hint(for: word, among: PolicyConditions.dayNames))
                        continue
                    }
                    conditions.days.insert(day + 1)
                }
            default:
                guard let anchor = anchors.first(where: { $0.name == entry.key })?.value else { continue }
                switch nodes.flag(entry.value, "\"\(entry.key)\"") {
                case true: conditions.trust.insert(anchor)
                case false: conditions.without.insert(anchor)
                case nil: break
                }
            }
        }
        return conditions
    }

    /// `06:00-20:00`; `24:00` is the end of the day.
    private static func hours(_ text: String) -> (from: Int, to: Int)? {
        guard let match = text.wholeMatch(of: /([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})/),
            let a = Int(match.1), let b = Int(match.2), let c = Int(match.3), let d = Int(match.4), b < 60, d < 60
        else { return nil }
        let from = a * 60 + b, to = c * 60 + d
        guard from < 1440, to <= 1440, from != to else { return nil }
        return (from, to)
    }
}
