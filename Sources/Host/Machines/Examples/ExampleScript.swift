/// Follows the consoles of an example's guests, step by step, and answers them.
public struct ExampleScript {
    /// A step that was seen, with the line that showed it.
    public struct Shown: Sendable {
        public let step: ExampleStep
        public let line: String

        /// For people: who, what it means, and what the guest said.
        public var text: String { "\(step.partition): \(step.meaning)  [\(line)]" }
    }

    /// What an example's guests are answered with.
    public enum Answer: Equatable {
        case type(String, on: String)
        case passphrase(on: String)
        /// Whether this is the checksum of the page outside.
        case matchPage(sha256: String)
        /// Whether the page fetched from outside has this checksum.
        case fetch(sha256: String)
        /// A client of libvirt asks; nil: it is done, else it is refused with these words.
        case client(String, [String], refusal: String?)
    }

    private let steps: [ExampleStep]
    public private(set) var seen: [Shown] = []

    public init(_ steps: [ExampleStep]) { self.steps = steps }

    public var isDone: Bool { seen.count == steps.count }
    /// What is waited for; nil when all was seen.
    public var awaited: ExampleStep? { isDone ? nil : steps[seen.count] }

    /// Looks for what is to be seen next, and goes on as long as it is there.
    /// - Parameter lines: of a partition's console, so far.
    /// - Returns: what is to be done, in this order.
    public mutating func advance(_ lines: (String) -> [String]) -> [Answer] {
        var answers: [Answer] = []
        while let step = awaited, let line = lines(step.partition).first(where: { $0.hasPrefix(step.line) }) {
            seen.append(Shown(step: step, line: line))
            let last = line.split(separator: " ").last ?? ""
            // A value may end with `=` as base64 does.
            let value = last.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).last.map(String.init)
            switch step.action {
            case .nothing: break
            case .type(let text, let partition): answers.append(.type(text, on: partition))
            case .passphrase: answers.append(.passphrase(on: step.partition))
            case .matchPage: answers.append(.matchPage(sha256: value ?? ""))
            case .carry(let other): answers.append(.type(value ?? "", on: other))
            case .fetch: answers.append(.fetch(sha256: value ?? ""))
            case .client(let name, let words, let refusal):
                answers.append(.client(name, words, refusal: refusal))
                // What is seen next is seen when that is done.
                return answers
            }
        }
        return answers
    }

    /// The first line by which one of these partitions' guests says that it has failed.
    public static func failure(_ partitions: [String], _ lines: (String) -> [String]) -> String? {
        for partition in partitions {
            if let line = lines(partition).first(where: { $0.hasPrefix("@bulkhead error ") }) {
                return "\(partition): \(line.dropFirst("@bulkhead error ".count))"
            }
        }
        return nil
    }
}
