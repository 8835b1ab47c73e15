/// One thing that is wrong with a manifest file.
public struct ManifestProblem: Error, Codable, Equatable, Sendable {
    /// The file as it was named to the tool.
    public var file: String
    /// Counted from 1; nil when it is about the file as a whole.
    public var line: Int?
    /// The key that it is about, such as `cores` or `machine.memory`.
    public var field: String?
    /// What is wrong, in plain words.
    public var reason: String
    /// What may help.
    public var hint: String?

    public init(file: String, line: Int? = nil, field: String? = nil, reason: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.field = field
        self.reason = reason
        self.hint = hint
    }

    /// `FILE:LINE: reason; hint`.
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): \(reason)" + (hint.map { "; \($0)" } ?? "")
    }
}

/// A manifest file was refused: all that is wrong with it, in the order of its lines.
public struct ManifestRefused: Error, CustomStringConvertible, Sendable {
    public var problems: [ManifestProblem]

    public init(problems: [ManifestProblem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
