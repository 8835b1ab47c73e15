/// One thing that the hypervisor needs of a machine, or that somebody who wants to use it there has to know.
public struct Requirement: Codable, Equatable, Sendable {
    public enum State: String, Codable, Sendable {
        /// As it has to be.
        case met
        /// The hypervisor does not start here.
        case unmet
        /// It starts, but something cannot be had, or is weaker than it could be.
        case limited
        /// Cannot be told from here.
        case unknown
    }

    /// A short name: `virtualization`.
    public var name: String
    public var state: State
    /// What was found; where the boot would refuse, in its words.
    public var found: String
    /// What to change, and where.
    public var advice: String?

    init(_ name: String, _ state: State, _ found: String, advice: String? = nil) {
        self.name = name
        self.state = state
        self.found = found
        self.advice = advice
    }
}

/// Whether the hypervisor runs on a machine, and what stands in its way.
public struct Diagnosis: Codable, Equatable, Sendable {
    public var machine: String
    public var processor: String?
    public var requirements: [Requirement]

    /// false when a requirement is not met; nil when none is unmet but one cannot be told.
    public var runs: Bool? {
        if requirements.contains(where: { $0.state == .unmet }) { return false }
        return requirements.contains { $0.state == .unknown } ? nil : true
    }
}
