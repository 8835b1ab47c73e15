import Foundation
import ManifestFile
import ManifestRules

extension Diagnosis {
    /// In one line.
    public var sentence: String {
        let who = printable(machine) + (processor.map { ", \(printable($0))" } ?? "")
        let unmet = requirements.filter { $0.state == .unmet }.map(\.name)
        let limited = requirements.filter { $0.state == .limited }.map(\.name)
        let unknown = requirements.filter { $0.state == .unknown }.map(\.name)
        if !unmet.isEmpty { return "\(who): Bulkhead does not run here: \(unmet.joined(separator: ", "))" }
        let limits = limited.isEmpty ? "" : ", with limits: \(limited.joined(separator: ", "))"
        if !unknown.isEmpty {
            return "\(who): nothing speaks against Bulkhead\(limits); not known: \(unknown.joined(separator: ", "))"
        }
        return "\(who): Bulkhead runs here\(limits)"
    }

    /// For people: the sentence, then a line for each requirement and, behind an arrow, what to change.
    public var text: String {
        let signs: [Requirement.State: String] = [.met: "✓", .unmet: "✗", .limited: "!", .unknown: "?"]
        let width = requirements.map(\.name.count).max() ?? 0
        var lines = [sentence, ""]
        for requirement in requirements {
            let name = requirement.name + String(repeating: " ", count: width - requirement.name.count)
            lines.append("  \(signs[requirement.state] ?? " ") \(name)  \(printable(requirement.found))")
            if let advice = requirement.advice {
                lines.append("    \(String(repeating: " ", count: width))  → \(advice)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Deterministic JSON, keys in snake case, with `runs` (absent when it cannot be told) and the sentence beside what it is made of.
    public var json: String {
        get throws {
            struct Report: Codable {
                var runs: Bool?
                var sentence: String
                var machine: String
                var processor: String?
                var requirements: [Requirement]
            }
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            let report = Report(
                runs: runs, sentence: sentence, machine: machine, processor: processor, requirements: requirements)
            return try jsonText(report, encoder, pretty: true)
        }
    }
}
