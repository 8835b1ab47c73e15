import Foundation
import Machines

/// The upper part of the live screen: the machine, and one row for each partition.
struct DemoTable {
    private let watch: MachineWatch
    private let uptime: Double

    init(_ watch: MachineWatch, uptime: Double) {
        self.watch = watch
        self.uptime = uptime
    }

    var lines: [String] {
        let machine = watch.machine
        var lines = [
            "\u{1B}[1mBulkhead \(machine.version.string)\u{1B}[0m  machine \(machine.name.string): \(machine.cores) cores, "
                + "\(machine.memory >> 20) MiB, up \(Self.time(uptime)); hypervisor \(machine.imageBytes >> 10) KiB, "
                + "\(machine.hypervisorMemory >> 10) KiB of memory; first guest after "
                + String(format: "%.0f ms", Double(machine.startMicroseconds) / 1000),
            "",
            Self.row([
                "", "PARTITION", "STATE", "CORES", "MEMORY", "UP", "EXITS", "EXITS/S", "STEADY", "LATENCY AVG/MAX",
            ]),
        ]
        for (index, partition) in watch.partitions.enumerated() { lines += rows(index + 1, partition) }
        lines.append("")
        return lines
    }

    private func rows(_ number: Int, _ partition: PartitionWatch) -> [String] {
        let info = partition.info
        let cores = (0..<64).filter { info.cores.contains(.init(core: $0)) }.map(String.init).joined(separator: ",")
        let rate = partition.rates.reduce(0) { $0 + $1.perSecond }
        let steady = partition.steady.map { "\($0.exits) in \(String(format: "%.0f", $0.seconds)) s" } ?? "-"
        let latency = partition.latency.map { "\($0.avg) / \($0.max) us" } ?? "-"
        let state = info.state == .running && !partition.isReady ? "booting" : "\(info.state.name)"
        let first = Self.row([
            "\(number)", partition.name, state, cores, "\(info.memory >> 20)M",
            Self.time(Double(info.uptimeMicroseconds) / 1e6), "\(partition.statistics?.total ?? 0)",
            String(format: "%.1f", rate), steady, latency,
        ])
        let reasons = partition.rates.map { "\($0.reason.name) \(String(format: "%.1f", $0.perSecond))/s" }
        let guest = partition.kernel.map { "Linux \($0)" } ?? info.image.string
        let second = "    \(guest)" + (reasons.isEmpty ? "" : "   exits: " + reasons.joined(separator: ", "))
        return [first, second]
    }

    private static let widths = [2, 16, 9, 6, 7, 9, 9, 9, 14, 0]

    private static func row(_ cells: [String]) -> String {
        zip(cells, widths).map { $0.count < $1 ? $0 + String(repeating: " ", count: $1 - $0.count) : $0 + " " }.joined()
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds)
        return whole < 3600
            ? String(format: "%d:%02d", whole / 60, whole % 60)
            : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
    }
}
