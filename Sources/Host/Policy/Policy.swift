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

        /// Where there is no policy.
        public static let unlimited = Decision(isAllowed: true, words: "there is no policy")
    }

    /// As it was read.
    public internal(set) var text = ""
    var roles: [String: [Rule]] = [:]
    /// The roles of each user, and the name that the file gives him.
    var users: [UInt32: (name: String, roles: [String])] = [:]
    /// Names that are no user's on this machine: nobody has what they are given.
    public internal(set) var unknownUsers: [String] = []

    /// Why a user is not let in at all, in words; nil: he is. One whom the system does not name is nobody's.
    public func refusal(of uid: UInt32?) -> String? {
        user(uid) == nil ? "the policy has no user with uid \(uid.map { "\($0)" } ?? "unknown")" : nil
    }

    private func user(_ uid: UInt32?) -> (name: String, roles: [String])? {
        guard let uid, !Self.nobody.contains(uid) else { return nil }
        return users[uid]
    }

    /// Whether it ever lets a user do more than read.
    public func mayChange(_ uid: UInt32) -> Bool {
        (users[uid]?.roles ?? []).contains { role in (roles[role] ?? []).contains { $0.operations != [.read] } }
    }

    /// - Parameter partition: nil: any.
    public func decide(
        _ operation: PolicyOperation, on partition: String?, for uid: UInt32?, _ facts: PolicyFacts
    ) -> Decision {
        guard let user = user(uid) else { return Decision(isAllowed: false, words: refusal(of: uid) ?? "") }
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
        return Decision(isAllowed: false, words: "the policy does not let \(user.name) \(what): \(why)")
    }

    /// Whether a user may do something on every partition that there could be.
    public func allowsEverywhere(_ operation: PolicyOperation, for uid: UInt32?, _ facts: PolicyFacts) -> Bool {
        guard let user = user(uid) else { return false }
        return user.roles.contains { role in
            (roles[role] ?? []).contains {
                $0.operations.contains(operation) && $0.partitions == nil && $0.conditions.unmet(facts) == nil
            }
        }
    }

    /// The uid of a user, by the name that the file gives him or by number.
    public func uid(of name: String) -> UInt32? {
        users.first { $0.value.name == name }?.key ?? UInt32(name).flatMap { users[$0] == nil ? nil : $0 }
    }

    public var userNames: [String] { users.values.map(\.name).sorted() }
}
