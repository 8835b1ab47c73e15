import Foundation
import Reports
import TestKit

/// A comparison for people: exits, work, start and latency of the same guest in three places.
struct CompareTable {
    private let report: CompareReport

    init(_ report: CompareReport) { self.report = report }

    var text: String {
        let head =
            "The same guest (Linux \(report.guestKernel)) bare, in a Bulkhead partition and under KVM tuned for real "
            + "time,\non the same emulated \(report.processor); silent windows of \(report.windowSeconds) s"
        return [head, exits, cost, work, start, latency].joined(separator: "\n\n")
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
    private var virtualized: [CompareSession.Peer] { report.peers.filter { $0.name != "bare" } }
    private var activities: [String] { report.peers.first?.windows.map(\.activity) ?? [] }

    private func row(_ name: String, _ peers: [CompareSession.Peer], _ value: (CompareSession.Peer) -> Double?)
        -> [String]
    { [name] + peers.map { Self.rate(value($0)) } }

    private func table(_ title: String, _ peers: [CompareSession.Peer]) -> TextTable {
        TextTable([title] + peers.map { $0.title.uppercased() }, numbers: Set(1...max(peers.count, 1)))
    }

    private var exits: String {
        let peers = virtualized
        var table = table("EXITS A SECOND", peers)
        for activity in activities {
            table.add(row(Self.words[activity] ?? activity, peers) { $0.window(activity)?.exitsPerSecond })
            for reason in Set(peers.flatMap { ($0.window(activity)?.counts?.exits ?? [:]).keys }).sorted() {
                table.add(
                    row("  \(reason)", peers) { peer in
                        let window = peer.window(activity)
                        return window?.counts?.exits[reason].map { Double($0.count) / max(window?.seconds ?? 1, 0.001) }
                    })
            }
            guard let unit = Self.units[activity] else { continue }
            table.add(row("  exits for each \(unit)", peers) { $0.window(activity)?.exitsPerWork })
        }
        return table.lines.joined(separator: "\n")
    }

    /// The median of each reason's exits over all windows and the start.
    private var cost: String {
        let peers = virtualized
        var table = table("INSTRUCTIONS AN EXIT, MEDIAN", peers)
        let costs = peers.map { peer in
            ([peer.start.counts] + peer.windows.map(\.counts)).compactMap { $0?.exits }
                .reduce(into: [String: Counter.Exits]()) { sum, exits in
                    // The window with the most exits of a reason speaks for it.
                    sum.merge(exits.filter { $0.value.count > 0 }) { $0.count < $1.count ? $1 : $0 }
                }
        }
        for reason in Set(costs.flatMap(\.keys)).sorted() {
            table.add([reason] + costs.map { Self.rate($0[reason].map { Double($0.median) }) })
        }
        return table.lines.joined(separator: "\n")
    }

    private var work: String {
        var table = table("INSTRUCTIONS ON THE GUEST'S CORES", report.peers)
        for activity in activities {
            let name = Self.words[activity] ?? activity
            // In `smp` the second processor loops meanwhile: what all cores executed says nothing.
            if let unit = Self.units[activity], activity != "smp" {
                table.add(row("\(name), each \(unit)", report.peers) { $0.window(activity)?.instructionsPerWork })
                table.add(beneath("  the hypervisor's") { $0.window(activity)?.hypervisorInstructionsPerWork })
            } else if activity == "smp" {
                table.add(
                    beneath("\(name), the hypervisor's each") { $0.window(activity)?.hypervisorInstructionsPerWork })
            } else if activity == "idle" {
                table.add(row("\(name), a second", report.peers) { $0.window(activity)?.instructionsPerSecond })
            } else {
                table.add(
                    beneath("\(name), the hypervisor's in a million") {
                        $0.window(activity)?.hypervisorShare.map { $0 * 1e6 }
                    })
            }
        }
        return table.lines.joined(separator: "\n")
    }

    /// A row that only those with a hypervisor beneath have.
    private func beneath(_ name: String, _ value: (CompareSession.Peer) -> Double?) -> [String] {
        row(name, report.peers) { $0.name == "bare" ? nil : value($0) }
    }

    private var start: String {
        var table = table("START", report.peers)
        table.add(["kernel to user space"] + report.peers.map { "\($0.start.kernelMilliseconds) ms" })
        let counts = report.peers.map { $0.name == "bare" ? nil : $0.start.counts }
        table.add(
            row("instructions on its core to user space, millions", report.peers) { peer in
                peer.start.counts.map { Double($0.instructions) / 1e6 }
            })
        table.add(["exits to user space"] + counts.map { $0.map { "\($0.exitCount)" } ?? "-" })
        for reason in Set(counts.flatMap { ($0?.exits ?? [:]).filter { $0.value.count > 0 }.keys }).sorted() {
            table.add(["  \(reason)"] + counts.map { $0?.exits[reason].map { "\($0.count)" } ?? "-" })
        }
        table.add(["  by its own counters"] + report.peers.map { $0.start.ownExits.map { "\($0)" } ?? "-" })
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
        let size = abs(value)
        return String(format: size < 0.01 ? "%.5f" : size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%.0f", value)
    }
}

extension CompareSession.Peer {
    func window(_ activity: String) -> GuestWindow? { windows.first { $0.activity == activity } }
}
