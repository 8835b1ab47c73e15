import Foundation
import Yams

/// `Tools/contract.yaml`: what is promised of each figure, and what it was when it was last recorded.
public struct Contract: Sendable {
    public enum Bound: Sendable, Equatable {
        /// The figure may reach the bound.
        case atMost(Double)
        /// It must stay below.
        case below(Double)

        public var value: Double {
            switch self {
            case .atMost(let value), .below(let value): value
            }
        }
        public func holds(_ figure: Double) -> Bool {
            switch self {
            case .atMost(let most): figure <= most
            case .below(let bound): figure < bound
            }
        }
    }
    public struct Term: Sendable, Equatable {
        /// Of a figure of the bench.
        public var name: String
        public var bound: Bound
        /// Nil before it was first recorded.
        public var last: Double?
        /// Whether a figure over the bound is a failure; times are only reported.
        public var isEnforced: Bool
    }

    /// In the order of the file.
    public private(set) var terms: [Term] = []

    public subscript(_ name: String) -> Term? { terms.first { $0.name == name } }

    /// - Throws: `ContractError` for whatever is not as the file's own comment says, `YamlError`.
    public init(yaml: String) throws {
        guard let root = try Yams.compose(yaml: yaml)?.mapping else { throw ContractError("it is no mapping") }
        for (key, section) in root {
            guard let name = key.string, name == "counts" || name == "times" else {
                throw ContractError("it knows \"counts\" and \"times\", not \"\(key.string ?? "?")\"")
            }
            guard let section = section.mapping else { throw ContractError("\(name) is no mapping") }
            for (key, value) in section {
                let term = try Self.term(key.string ?? "?", value, isEnforced: name == "counts")
                guard self[term.name] == nil else { throw ContractError("\(term.name) is there twice") }
                terms.append(term)
            }
        }
        guard !terms.isEmpty else { throw ContractError("it promises nothing") }
    }

    private static func term(_ name: String, _ value: Node, isEnforced: Bool) throws -> Term {
        guard let fields = value.mapping else { throw ContractError("\(name) is no mapping") }
        var (bound, last): (Bound?, Double?)
        for (key, value) in fields {
            guard let number = value.float, number.isFinite, number >= 0 else {
                throw ContractError("\(name): \(key.string ?? "?") is no number")
            }
            switch key.string {
            case "at-most" where bound == nil: bound = .atMost(number)
            case "below" where bound == nil: bound = .below(number)
            case "last": last = number
            default: throw ContractError("\(name): one of at-most and below, and last, not \(key.string ?? "?")")
            }
        }
        guard let bound else { throw ContractError("\(name): there is no at-most and no below") }
        return Term(name: name, bound: bound, last: last, isEnforced: isEnforced)
    }
}

/// Why the contract cannot be read.
public struct ContractError: Error, CustomStringConvertible {
    public var description: String
    init(_ reason: String) { description = "Tools/contract.yaml: \(reason)" }
}
