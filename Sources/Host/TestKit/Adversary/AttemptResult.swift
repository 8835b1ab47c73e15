/// One row of the table: what an attempt was to see, and what it saw.
public struct AttemptResult: Sendable, Encodable {
    public var name: String
    public var vector: String
    public var expected: String
    public var seen: String
    public var asExpected: Bool
    /// What went wrong beside the attempt itself: chiefly what the neighbour noticed. Any makes it a failure.
    public var problems: [String]
    /// The guest's own details.
    public var findings: [String] = []

    init(
        _ run: AttemptTable.Run, _ name: String, _ expected: Expectation?, _ seen: Observation?, problems: [String] = []
    ) {
        self.name = name
        vector = run.vector
        self.expected = expected?.description ?? "(not in the table)"
        self.seen = seen?.description ?? "(nothing)"
        asExpected = if let expected, let seen { expected.holds(for: seen) && problems.isEmpty } else { false }
        self.problems = problems
    }
}
