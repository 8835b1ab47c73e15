import Control
import ControlClient
import Text

/// What `top` shows of one moment: each partition, and its exits since the moment before. `top --json` prints one a line.
public struct TopSample: Encodable {
    struct Machine: Encodable {
        var name, version: String
        var cores: Int
        var memoryBytes, uptimeUs: UInt64
    }
    struct Partition: Encodable {
        var name, state, cause, image: String
        var cores: [Int]
        var memoryBytes, starts, uptimeUs, startsInUs: UInt64
        /// Whether a guest is there, running or paused.
        var hasGuest: Bool
        /// All from here on are nil where its exits may not be counted, and in the first sample.
        var seconds: Double?
        /// Within that time.
        var exits: UInt64?
        var exitsByReason: [String: UInt64]?
        /// Of each vCPU, within that time.
        var exitsByVcpu: [UInt64]?
        /// Since the machine's start.
        var exitsInAll: UInt64?
    }
    var machine: Machine
    var partitions: [Partition]

    /// - Parameters:
    ///   - statistics: by the partition's name; without those that may not be counted.
    ///   - earlier: the sample before's; empty for the first one.
    public init(
        _ machine: MachineInfo, _ list: [PartitionInfo], _ statistics: [String: PartitionStatistics],
        since earlier: [String: PartitionStatistics]
    ) {
        self.machine = Machine(
            name: machine.name.string, version: machine.version.string, cores: machine.cores,
            memoryBytes: machine.memory, uptimeUs: machine.uptimeMicroseconds)
        partitions = list.map { info in
            var row = Partition(
                name: info.name.string, state: info.state.name, cause: info.cause.name, image: info.image.string,
                cores: (0..<64).filter { info.cores.rawValue >> UInt64($0) & 1 != 0 }, memoryBytes: info.memory,
                starts: info.starts, uptimeUs: info.uptimeMicroseconds, startsInUs: info.startsInMicroseconds,
                hasGuest: info.state == .running || info.state == .paused)
            guard let now = statistics[info.name.string] else { return row }
            row.exitsInAll = now.total
            guard let before = earlier[info.name.string] else { return row }
            let count = ExitCount(info.name.string, now, since: before)
            (row.seconds, row.exits, row.exitsByVcpu) = (count.seconds, count.exits, count.vcpus.map(\.total))
            row.exitsByReason = ExitReason.all.reduce(into: [:]) { all, reason in
                let sum = count.vcpus.reduce(0) { $0 &+ $1.byReason[reason.name, default: 0] }
                if sum > 0 { all[reason.name] = sum }
            }
            return row
        }
    }
}
