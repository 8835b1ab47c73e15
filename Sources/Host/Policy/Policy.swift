/// Who may do what. What no rule allows is denied.
public struct Policy: Sendable {
    struct Rule: Sendable {
        /// In the file, counted from 1.
        var line: Int
        var operations: Set<PolicyOperation> = []
        /// nil: all.
        var partitions: Set<String>? = []
        var conditions = PolicyConditions()
    }

    /// An answer, and why it is so: which rule, or that there is none.
    public struct Decision: Equatable, Sendable {
        public let isAllowed: Bool
        public let words: String

        public static func denied(_ words: String) -> Decision { Decision(isAllowed: false, words: words) }
        /// Where there is no policy.
        public static let unlimited = Decision(isAllowed: true, words: "there is no policy")
    }

    /// As it was read.
    public internal(set) var text = ""
    var roles: [String: [Rule]] = [:]
    /// The roles of each user and certificate, and the name that the file gives it.
    var subjects: [PolicySubject: (name: String, roles: [String])] = [:]
    /// Names that are no user's on this machine: nobody has what they are given.
    public internal(set) var unknownUsers: [String] = []

    /// Why somebody is not let in at all, in words; nil: he is. One whom the system does not name is nobody's.
    public func refusal(of subject: PolicySubject?) -> String? {
        guard found(subject) == nil else { return nil }
        return switch subject {
        case nil: "the policy has no user with uid unknown"
        case .uid(let uid): "the policy has no user with uid \(uid)"
        case .certificate(let name): "the policy has no certificate \(name)"
        }
    }

    private func found(_ subject: PolicySubject?) -> (name: String, roles: [String])? {
        guard let subject else { return nil }
        if case .uid(let uid) = subject, Self.nobody.contains(uid) { return nil }
        return subjects[subject]
    }

    /// Whether it ever lets somebody do more than read.
    public func mayChange(_ subject: PolicySubject) -> Bool {
        (subjects[subject]?.roles ?? []).contains { role in
            (roles[role] ?? []).contains { $0.operations != [.read] }
        }
    }

    /// - Parameter partition: nil: any.
    public func decide(
        _ operation: PolicyOperation, on partition: String?, for subject: PolicySubject?, _ facts: PolicyFacts
    ) -> Decision {
        guard let user = found(subject) else { return .denied(refusal(of: subject) ?? "") }
        var almost: String?
        for role in user.roles {
            for rule in roles[role] ?? [] where rule.operations.contains(operation) {
                if let partitions = rule.partitions, let partition, !partitions.contains(partition) { continue }
                let place = "role \(role), line \(rule.line)"
                guard let unmet = rule.conditions.unmet(facts) else {
                    return Decision(isAllowed: true, words: place)
                }
                almost = almost ?? "\(place): \(unmet)"
            }
        }
        let what = "\(operation.rawValue)\(partition.map { " on \($0)" } ?? "")"
        let why = almost ?? "no rule of \(user.roles.joined(separator: ", ")) does"
        return .denied("the policy does not let \(user.name) \(what): \(why)")
    }

    /// Whether somebody may do something on every partition that there could be.
    public func allowsEverywhere(
        _ operation: PolicyOperation, for subject: PolicySubject?, _ facts: PolicyFacts
    ) -> Bool {
        guard let user = found(subject) else { return false }
        return user.roles.contains { role in
            (roles[role] ?? []).contains {
                $0.operations.contains(operation) && $0.partitions == nil && $0.conditions.unmet(facts) == nil
            }
        }
    }

    /// A user by the name that the file gives him or by number, or a certificate as `certificate:NAME`; nil: it could be none.
    public func subject(_ name: String) -> PolicySubject? {
        if name.hasPrefix(PolicySubject.certificatePrefix) {
            return .certificate(String(name.dropFirst(PolicySubject.certificatePrefix.count)))
        }
        let users = subjects.filter { if case .uid = $0.key { true } else { false } }
        return users.first { $0.value.name == name }?.key ?? Self.uid(name).map { .uid($0) }
    }

    public var names: [String] {
        subjects.map {
            if case .certificate = $0.key { PolicySubject.certificatePrefix + $0.value.name } else { $0.value.name }
        }.sorted()
    }
}
