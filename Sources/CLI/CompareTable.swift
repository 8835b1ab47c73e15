import Foundation
import Machines

/// A comparison for people: exits, work, start and latency of the same guest in three places.
struct CompareTable {
    private let report: CompareReport

    init(_ report: CompareReport) { self.report = report }

    var text: String {
        let head =
            "The same guest (Linux \(report.guestKernel)) bare, in a Bulkhead partition and under KVM tuned for real "
            + "time,\non the same emulated \(report.processor); silent windows of \(report.windowSeconds) s"
        return [head, exits, work, start, latency].joined(separator: "\n\n")
    }

    static let words = [
        "idle": "idle", "busy": "one endless loop", "cyclictest": "cyclictest every 1 ms",
        "timer10k": "timer at 10 kHz", "syscalls": "system calls", "faults": "page faults",
        "forks": "forks and execs", "smp": "IPIs between 2 vCPUs",
    ]
    /// What is done once by each activity that counts.
    private static let units = [
        "cyclictest": "wake-up", "timer10k": "wake-up", "syscalls": "call", "faults": "fault", "forks": "program",
        "smp": "IPI",
    ]

    /// Those that have a hypervisor beneath.
    private var virtualized: [CompareSession.Peer] { report.peers.filter { $0.windows.contains { $0.exits != nil } } }
    private var activities: [String] { report.peers.first?.windows.map(\.activity) ?? [] }

    private var exits: String {
        let peers = virtualized
        var table = TextTable(
            ["EXITS A SECOND"] + peers.map { $0.title.uppercased() } + peers.map { _ in "" },
            numbers: Set(1...(2 * max(peers.count, 1))))
        for activity in activities {
            let windows = peers.map { peer in peer.windows.first { $0.activity == activity } }
            let each = windows.map { window in
                guard let count = window?.exitsPerWork, let unit = Self.units[activity] else { return "" }
                return String(format: count < 0.01 && count > 0 ? "%.4f a %@" : "%.2f a %@", count, unit)
            }
            table.add(
                [Self.words[activity] ?? activity] + windows.map { Self.rate($0?.exitsPerSecond) } + each)
            for reason in Set(windows.flatMap { ($0?.exits ?? [:]).keys }).sorted() {
                let rates = windows.map { window in
                    (window?.exits?[reason]).map { Double($0) / max(window?.seconds ?? 1, 0.001) }
                }
                table.add(["  \(reason)"] + rates.map(Self.rate) + windows.map { _ in "" })
            }
        }
        return table.lines.joined(separator: "\n")
    }

    private var work: String {
        var table = TextTable(
            ["WORK A SECOND"] + report.peers.map { $0.title.uppercased() }, numbers: Set(1...report.peers.count))
        for activity in activities {
            guard let unit = Self.units[activity] else { continue }
            table.add(
                ["\(Self.words[activity] ?? activity) (\(unit)s)"]
                    + report.peers.map { peer in
                        Self.rate(peer.windows.first { $0.activity == activity }?.workPerSecond)
                    })
        }
        return table.lines.joined(separator: "\n")
    }

    private var start: String {
        var table = TextTable(
            ["START"] + report.peers.map { $0.title.uppercased() }, numbers: Set(1...report.peers.count))
        table.add(["kernel to user space"] + report.peers.map { "\($0.start.kernelMilliseconds) ms" })
        let totals = report.peers.map { $0.start.exits?.values.reduce(0, +) }
        table.add(["exits to user space"] + totals.map { $0.map { "\($0)" } ?? "-" })
        for reason in Set(report.peers.flatMap { ($0.start.exits ?? [:]).filter { $0.value > 0 }.keys }).sorted() {
            table.add(["  \(reason)"] + report.peers.map { $0.start.exits?[reason].map { "\($0)" } ?? "-" })
        }
        return table.lines.joined(separator: "\n")
    }

    private var latency: String {
        var table = TextTable(
            ["WAKE-UP LATENCY, us (the host's noise is in it)", "MIN", "MEDIAN", "99 %", "MAX", "SAMPLES"],
            numbers: Set(1...5))
        for peer in report.peers {
            for (window, where_) in [(peer.alone, "alone"), (peer.besideNeighbour, "beside a storming neighbour")] {
                guard let latency = window?.latency, let histogram = window?.histogram else { continue }
                table.add([
                    "\(peer.title), \(where_)", "\(latency.min)", histogram.quantile(0.5).map { "\($0)" } ?? "-",
                    histogram.quantile(0.99).map { "\($0)" } ?? "-", "\(latency.max)", "\(latency.samples)",
                ])
            }
        }
        return table.lines.joined(separator: "\n")
    }

    /// A rate with three digits; 0 only when it is.
    static func rate(_ value: Double?) -> String {
        guard let value else { return "-" }
        if value == 0 { return "0" }
        return String(format: value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
    }
}
