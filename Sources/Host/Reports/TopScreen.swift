import Foundation
import ManifestRules

/// A sample of `top` as lines for a terminal: the columns that matter least go first where it is narrow.
public struct TopScreen {
    public enum Order: String, CaseIterable, Sendable { case manifest, exits, name }

    public let lines: [String]

    private struct Column: Sendable {
        var title: String
        /// Those with higher numbers go first; 0 stays.
        var rank: Int
        var isNumber = false
        var cell: @Sendable (TopSample.Partition) -> String
    }

    private static let columns: [Column] = [
        Column(title: "PARTITION", rank: 0) { printable($0.name) },
        Column(title: "STATE", rank: 1) {
            printable($0.state) + ($0.startsInUs > 0 ? " in \(Quantity.time($0.startsInUs))" : "")
        },
        Column(title: "CORES", rank: 4) { row in Quantity.cores(row.cores.reduce(0) { $0 | 1 << UInt64($1) }) },
        Column(title: "MEMORY", rank: 6, isNumber: true) { Quantity.bytes($0.memoryBytes) },
        Column(title: "UPTIME", rank: 3, isNumber: true) { $0.hasGuest ? Quantity.time($0.uptimeUs) : "-" },
        Column(title: "STARTS", rank: 5, isNumber: true) { "\($0.starts)" },
        Column(title: "EXITS/S", rank: 0, isNumber: true) { $0.rate.map { String(format: "%.1f", $0) } ?? "-" },
        Column(title: "EXITS", rank: 7, isNumber: true) { $0.exitsInAll.map { "\($0)" } ?? "-" },
        Column(title: "EXITS/S BY REASON", rank: 2) { $0.reasons },
    ]

    /// - Parameters:
    ///   - columns: of the terminal; no line is longer.
    ///   - rows: of the terminal; no more lines.
    ///   - hasColour: whether control sequences may be written.
    public init(_ sample: TopSample, columns: Int, rows: Int, order: Order = .manifest, hasColour: Bool) {
        let machine = sample.machine
        let head =
            "\(printable(machine.name)): \(machine.cores) cores, \(Quantity.bytes(machine.memoryBytes)), up "
            + "\(Quantity.time(machine.uptimeUs)); Bulkhead \(printable(machine.version))"
        let partitions = Self.sorted(sample.partitions, order)
        var shown = Self.columns
        var table = Self.table(shown, partitions)
        while table.contains(where: { ScreenLine.width(of: $0) > columns }),
            let worst = shown.indices.max(by: { shown[$0].rank < shown[$1].rank }), shown[worst].rank > 0
        {
            // The reasons are cut at the edge, as long as some of them can be seen.
            if shown[worst].rank == 2, ScreenLine.width(of: table[0]) <= columns { break }
            shown.remove(at: worst)
            table = Self.table(shown, partitions)
        }
        let body = table.enumerated().map { number, line in
            let line = ScreenLine.cut(line, columns)
            guard hasColour else { return line }
            return number == 0 ? "\u{1B}[7m\(line)\u{1B}[0m" : Self.colour(partitions[number - 1]) + line + "\u{1B}[0m"
        }
        lines = Array(([ScreenLine.cut(head, columns), ""] + body).prefix(max(rows, 1)))
    }

    private static func table(_ columns: [Column], _ partitions: [TopSample.Partition]) -> [String] {
        var table = TextTable(
            columns.map(\.title), numbers: Set(columns.indices.filter { columns[$0].isNumber }))
        for partition in partitions { table.add(columns.map { $0.cell(partition) }) }
        return table.lines
    }

    private static func sorted(_ partitions: [TopSample.Partition], _ order: Order) -> [TopSample.Partition] {
        switch order {
        case .manifest: partitions
        case .name: partitions.sorted { $0.name < $1.name }
        case .exits: partitions.sorted { ($0.rate ?? -1, $1.name) > ($1.rate ?? -1, $0.name) }
        }
    }

    private static func colour(_ partition: TopSample.Partition) -> String {
        switch partition.state {
        case "crashed": "\u{1B}[31m"
        case "running": "\u{1B}[0m"
        default: "\u{1B}[33m"
        }
    }
}

extension TopSample.Partition {
    /// Exits a second; nil where they are not known.
    var rate: Double? { exits.flatMap { count in seconds.map { $0 > 0 ? Double(count) / $0 : 0 } } }

    /// The most frequent first.
    fileprivate var reasons: String {
        guard let seconds, seconds > 0, let exitsByReason else { return "-" }
        let all = exitsByReason.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        return all.map { "\($0.key) \(String(format: "%.1f", Double($0.value) / seconds))" }.joined(separator: ", ")
    }
}
