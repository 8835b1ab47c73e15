import Control
import ControlClient
import Foundation
import ManifestRules

/// What a machine still knows of its past, for somebody who begins to read now: when it started, when each guest did, and why the
/// others do not run. The hypervisor tells an event once.
public struct PresentReport {
    public let text: String

    /// - Parameter began: when the hypervisor's clock was 0, by the host's.
    public init(_ machine: MachineInfo, _ partitions: [PartitionInfo], began: Date) {
        func line(_ microseconds: UInt64, _ words: String) -> String {
            "\(EventReport.time(microseconds, began))  \(Quantity.time(microseconds))  \(words)"
        }
        var lines: [(at: UInt64, text: String)] = [
            (0, line(0, "\(printable(machine.name.string))  Bulkhead \(printable(machine.version.string))"))
        ]
        for partition in partitions {
            let state = "\(printable(partition.name.string))  \(partition.state.name)  \(partition.cause.name)"
            // A guest that is paused has a clock of its own, which stands still.
            let isTimed = partition.state == .running && partition.uptimeMicroseconds > 0
            let at =
                isTimed && partition.uptimeMicroseconds <= machine.uptimeMicroseconds
                ? machine.uptimeMicroseconds - partition.uptimeMicroseconds : machine.uptimeMicroseconds
            let since = isTimed ? "start \(partition.starts)" : "now; starts: \(partition.starts)"
            lines.append((at, line(at, "\(state)  (\(since))")))
        }
        text = lines.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element.text).joined(separator: "\n")
    }
}
