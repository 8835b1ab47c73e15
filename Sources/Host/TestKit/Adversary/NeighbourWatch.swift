import ControlClient
import Machines

/// Compares the neighbour's reports with the ones before. Each detector has a name, which its problems begin with.
struct NeighbourWatch {
    private var last = GuestReport()
    private var lastSignals: UInt64?
    private var lastKicks: UInt64 = 0
    private let kind: MachineKind
    var missed: UInt64 { last.count("missed") }

    /// The longest that a tick may come late, microseconds. An emulator's processors wait for the host's, so this is far
    /// above what a guest would bear; what counts is that ticks come at all.
    static let longestGap: UInt64 = 5_000_000

    init(on kind: MachineKind) { self.kind = kind }

    mutating func problems(_ report: GuestReport, _ exits: PartitionStatistics) -> [String] {
        var problems: [String] = []
        // Counts of what must not happen: more of it than last time.
        for name in ["missed", "unexpected", "silent", "spurious"] {
            guard report[name] != nil else {
                problems.append("\(name): not reported")
                continue
            }
            if report.count(name) > last.count(name) { problems.append("\(name): \(report.count(name))") }
        }
        for name in ["checksum", "registers"] where report[name] != "ok" && report[name] != last[name] {
            problems.append("\(name): \(report[name] ?? "not reported")")
        }
        if report.count("gap_max_us") > max(Self.longestGap, last.count("gap_max_us")) {
            problems.append("gap: \(report.count("gap_max_us")) us between two ticks")
        }
        if report.count("ticks") <= last.count("ticks") {
            problems.append("ticks: \(last.count("ticks")), then \(report.count("ticks"))")
        }
        // An INIT that reaches its cores ends in the hypervisor, which drops it. The neighbour's own are those that started
        // its vCPUs before it was first asked.
        let signals = exits.exits(.initSipi)
        if let lastSignals, signals > lastSignals { problems.append("init: \(signals - lastSignals) INIT signals") }
        // No core of another partition may send it an NMI, and nobody manages it. (An Intel machine's own timer counts here.)
        let kicks = exits.exits(.nmi)
        if kind == .amd, kicks > lastKicks { problems.append("nmi: \(kicks - lastKicks) NMIs") }
        (last, lastSignals, lastKicks) = (report, signals, kicks)
        return problems
    }
}
