import Control
import ControlClient
import Foundation
import Text

/// The upper part of the demo's screen: the machine, and two lines for each partition.
public struct DemoTable {
    /// What is shown of one partition.
    public struct Row {
        public var info: PartitionInfo
        /// As the guest printed it, if it is one of ours.
        public var kernel: String?
        /// What the manifest calls ready.
        public var isReady = true
        /// Exits since the machine's start.
        public var exits: UInt64 = 0
        /// Exits per second, by reason.
        public var rates: [(reason: ExitReason, perSecond: Double)] = []
        /// Exits in the last silent window, and how long that was.
        public var steady: (exits: UInt64, seconds: Double)?
        /// Wake-up latency, microseconds.
        public var latency: (average: Int, longest: Int)?

        public init(_ info: PartitionInfo) { self.info = info }
    }

    public let lines: [String]

    /// - Parameters:
    ///   - uptime: seconds since the machine was switched on.
    ///   - first: the first partition's number.
    public init(_ machine: MachineInfo, uptime: Double, _ rows: [Row], from first: Int = 1) {
        lines =
            [
                "\u{1B}[1mBulkhead \(machine.version.string)\u{1B}[0m  machine \(machine.name.string): "
                    + "\(machine.cores) cores, \(machine.memory >> 20) MiB, up \(Quantity.clock(uptime)); hypervisor "
                    + "\(machine.imageBytes >> 10) KiB, \(machine.hypervisorMemory >> 10) KiB of memory; first guest after "
                    + String(format: "%.0f ms", Double(machine.startMicroseconds) / 1000),
                "",
                Self.line([
                    "", "PARTITION", "STATE", "CORES", "MEMORY", "UP", "EXITS", "EXITS/S", "STEADY", "LATENCY AVG/MAX",
                ]),
            ] + rows.enumerated().flatMap { Self.lines($0 + first, $1) } + [""]
    }

    private static func lines(_ number: Int, _ row: Row) -> [String] {
        let info = row.info
        let rate = row.rates.reduce(0) { $0 + $1.perSecond }
        let first = line([
            "\(number)", info.name.string, info.state == .running && !row.isReady ? "not ready" : info.state.name,
            (0..<64).filter { info.cores.contains(.init(core: $0)) }.map(String.init).joined(separator: ","),
            "\(info.memory >> 20)M", Quantity.clock(Double(info.uptimeMicroseconds) / 1e6), "\(row.exits)",
            String(format: "%.1f", rate),
            row.steady.map { "\($0.exits) in \(String(format: "%.0f", $0.seconds)) s" } ?? "-",
            row.latency.map { "\($0.average) / \($0.longest) us" } ?? "-",
        ])
        let reasons = row.rates.map { "\($0.reason.name) \(String(format: "%.1f", $0.perSecond))/s" }
        let guest = row.kernel.map { "Linux \($0)" } ?? info.image.string
        return [first, "    \(guest)" + (reasons.isEmpty ? "" : "   exits: " + reasons.joined(separator: ", "))]
    }

    private static let widths = [2, 16, 10, 6, 7, 9, 9, 9, 14, 0]

    private static func line(_ cells: [String]) -> String {
        zip(cells, widths).map { $0.count < $1 ? $0 + String(repeating: " ", count: $1 - $0.count) : $0 + " " }.joined()
    }
}
