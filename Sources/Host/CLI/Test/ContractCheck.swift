import Foundation
import Machines
import Reports
import TestKit

/// The contract, checked by `bulkhead test`: every count of it is measured once.
struct ContractCheck {
    let figures: [BenchFigure]
    private let contract: Contract

    /// Measures: the meter guest and those at the ends of a wire under the counter, and one boot of the bench's guest with short silent windows.
    /// - Throws: `BenchError`, `ContractError`, `ManifestRefused`, `MachineError`, `LinkError`.
    init(_ workspace: Workspace, progress: @escaping @Sendable (String) -> Void) throws {
        var session = try BenchSession(workspace, windowSeconds: 8, progress: progress)
        try session.measureCosts()
        try session.measureWires()
        try session.bootPartition("contract")
        figures = try BenchFigure.all(session)
        contract = session.contract
    }

    /// Whatever breaks the contract, a line each: name, measured, bound. A count that nobody measured breaks it too.
    var failures: [String] {
        contract.terms.filter(\.isEnforced).compactMap { term in
            guard let figure = figures.first(where: { $0.name == term.name }) else {
                return "contract: \(term.name) was not measured"
            }
            guard !figure.ok else { return nil }
            let before = term.last.map { ", before \(Self.text($0))" } ?? ""
            return "contract: \(term.name) is \(Self.text(figure.value))\(before), bound \(Self.text(term.bound))"
        }
    }
    var passed: Int { contract.terms.count { $0.isEnforced } - failures.count }

    /// Before and after, one line a count.
    var table: String {
        var table = TextTable(["CONTRACT", "BEFORE", "AFTER", "BOUND", "", ""], numbers: [1, 2, 3])
        for term in contract.terms where term.isEnforced {
            let figure = figures.first { $0.name == term.name }
            table.add([
                term.name, term.last.map(Self.text) ?? "", figure.map { Self.text($0.value) } ?? "not measured",
                Self.text(term.bound), figure?.ok == true ? "ok" : "over",
                figure.map { $0.value } == term.last || term.last == nil ? "" : "changed",
            ])
        }
        return table.lines.joined(separator: "\n")
    }

    private static func text(_ value: Double) -> String { Contract.text(value) }
    private static func text(_ bound: Contract.Bound) -> String {
        switch bound {
        case .atMost(let most): text(most)
        case .below(let bound): "< \(text(bound))"
        }
    }

    /// Writes the counts into the contract's file, as the last ones. Times are not: they are this host's.
    static func record(_ figures: [BenchFigure], _ workspace: Workspace) throws {
        let yaml = try String(contentsOf: workspace.contractFile, encoding: .utf8)
        let values = figures.filter(\.enforced).map { ($0.name, $0.value) }
        let recorded = Contract.recording(Dictionary(values, uniquingKeysWith: { $1 }), in: yaml)
        // Refused before the file is touched, should it no longer be readable.
        _ = try Contract(yaml: recorded)
        try recorded.write(to: workspace.contractFile, atomically: true, encoding: .utf8)
    }
}
