import Foundation
import Reports

/// A bench for people: what, value, bound, status; below a count, its reasons.
struct BenchTable {
    private let report: BenchReport

    init(_ report: BenchReport) { self.report = report }

    var text: String {
        var table = TextTable(["WHAT", "VALUE", "LAST", "BOUND", "", "REMARK"], numbers: [1, 2, 3])
        for figure in report.figures {
            table.add([
                figure.what, Self.value(figure.value, figure.unit),
                figure.last.map { Self.value($0, figure.unit) } ?? "", Self.bound(figure), Self.status(figure),
                Self.remark(figure),
            ])
            let reasons = (figure.byReason ?? [:]).sorted { ($0.value, $1.key) > ($1.value, $0.key) }
            for (reason, count) in reasons { table.add(["  \(reason)", "\(count)", "", "", "", ""]) }
        }
        let over = report.figures.filter { $0.enforced && !$0.ok }.map(\.what)
        let end =
            over.isEmpty
            ? "every count and size that was measured is within its bound"
            : "over the bound: " + over.joined(separator: "; ")
        let head =
            "Bulkhead \(report.hypervisorVersion) on an emulated \(report.processor)"
            + (report.boots == 0
                ? ""
                : ", guest Linux \(report.guestKernel), \(report.boots) boot\(report.boots == 1 ? "" : "s") each")
        return ([head, ""] + table.lines + ["", end]).joined(separator: "\n")
    }

    static func value(_ value: Double, _ unit: BenchFigure.Unit) -> String {
        switch unit {
        case .exits where value != value.rounded(): String(format: "%.4f", value)
        case .instructions where value < 10: String(format: "%.2f", value)
        case .exits, .instructions, .bytes, .lines: String(format: "%.0f", value)
        case .milliseconds: String(format: "%.0f ms", value)
        case .microseconds: String(format: "%.0f us", value)
        case .ratio: String(format: "%.2f", value)
        }
    }

    static func bound(_ figure: BenchFigure) -> String {
        guard let bound = figure.bound else { return "" }
        let number = figure.unit == .ratio ? String(format: "%.1f", bound) : value(bound, figure.unit)
        return figure.boundIncluded == true ? number : "< \(number)"
    }

    private static func status(_ figure: BenchFigure) -> String {
        figure.bound == nil ? "" : figure.ok ? "ok" : "over"
    }

    private static func remark(_ figure: BenchFigure) -> String {
        var parts: [String] = []
        if let samples = figure.samples, Set(samples).count > 1 {
            let values = samples.map { String(format: "%.0f", $0) }.joined(separator: ", ")
            parts.append((figure.unit == .milliseconds ? "shortest of " : "most of ") + values)
        }
        if let note = figure.note { parts.append(note) }
        return parts.joined(separator: "; ")
    }
}
