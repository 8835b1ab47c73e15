import Control
import ManifestRules
import Watch

/// What `watch` says of one partition.
public struct WatchRow: Encodable {
    let partition, state: String
    /// Why a kernel is not locked; nil unless that is so.
    let obstacle: String?
    let verdicts: UInt64
    /// Whether somebody has to look at it.
    public var isAlarming: Bool { verdicts > 0 || obstacle != nil }

    public init(_ info: PartitionInfo) {
        partition = printable(info.name.string)
        let phase = WatchPhase(rawValue: UInt8(truncatingIfNeeded: info.watch))
        state = phase?.name ?? "unknown"
        obstacle = phase == nil ? "for a reason of another version" : phase?.obstacle
        verdicts = info.watch >> 32
    }

    public static func table(_ rows: [WatchRow]) -> String {
        var table = TextTable(["NAME", "WATCH", "VERDICTS", ""], numbers: [2])
        for row in rows { table.add([row.partition, row.state, "\(row.verdicts)", row.obstacle ?? ""]) }
        return table.lines.joined(separator: "\n")
    }
}

extension WatchPhase {
    public var name: String {
        switch self {
        case .off: "off"
        case .waiting: "waiting"
        case .locked: "locked"
        default: "not locked"
        }
    }
}
