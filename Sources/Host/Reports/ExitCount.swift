import Control
import ControlClient
import ManifestFile
import ManifestRules
import Resources

/// One partition's exits, in all or since an earlier moment: what `stats --json` prints.
public struct ExitCount: Encodable {
    struct VCPU: Encodable {
        var total: UInt64
        var byReason: [String: UInt64]
    }

    var partition: String
    var seconds: Double
    var exits: UInt64
    var vcpus: [VCPU]
    /// Where the silicon counts it: bytes in the last-level cache; bytes moved to and from memory, in all and since.
    var cacheBytes: UInt64?
    var memoryBytes: UInt64?
    var localMemoryBytes: UInt64?
    /// What its ends of channels have done, in all or since; absent where it has none.
    var channels: [ChannelCount]?

    public init(_ name: String, _ now: PartitionStatistics, since: PartitionStatistics? = nil) {
        partition = name
        seconds = Double(now.clockMicroseconds &- (since?.clockMicroseconds ?? 0)) / 1e6
        vcpus = now.vcpus.enumerated().map { index, counters in
            let earlier = since.flatMap { index < $0.vcpus.count ? $0.vcpus[index] : nil } ?? ExitCounters()
            var byReason: [String: UInt64] = [:]
            for reason in ExitReason.all { byReason[reason.name] = counters[reason] &- earlier[reason] }
            return VCPU(total: counters.total &- earlier.total, byReason: byReason)
        }
        exits = vcpus.reduce(0) { $0 &+ $1.total }
        if !now.channels.isEmpty { channels = ChannelCount.all(name, now, since: since) }
        guard let traffic = now.traffic else { return }
        cacheBytes = traffic.occupancy
        (memoryBytes, localMemoryBytes) = (traffic.total, traffic.local)
        guard let since else { return }
        var moved = MemoryTraffic(since: since)
        moved.add(now)
        (memoryBytes, localMemoryBytes) = (moved.total, moved.local)
    }
}

extension ExitTable {
    /// A row for each partition of which the silicon counts something.
    private static func traffic(_ counts: [ExitCount]) -> [String] {
        let counted = counts.filter { $0.cacheBytes != nil || $0.memoryBytes != nil }
        guard !counted.isEmpty else { return [] }
        var table = TextTable(["PARTITION", "IN CACHE", "MEMORY", "OF IT LOCAL"], numbers: [1, 2, 3])
        for count in counted {
            table.add(
                [printable(count.partition)]
                    + [count.cacheBytes, count.memoryBytes, count.localMemoryBytes].map { $0.map(sizeText) ?? "-" })
        }
        return [""] + table.lines
    }
}

/// What `stats` prints: a row for each vCPU, a column for each reason that there was.
public struct ExitTable {
    public let text: String

    public init(_ counts: [ExitCount]) {
        let reasons = ExitReason.all.map(\.name).filter { reason in
            counts.contains { $0.vcpus.contains { $0.byReason[reason, default: 0] > 0 } }
        }
        var table = TextTable(["PARTITION", "VCPU", "EXITS"] + reasons, numbers: Set(1..<(3 + reasons.count)))
        for count in counts {
            for (index, vcpu) in count.vcpus.enumerated() {
                table.add(
                    [printable(count.partition), "\(index)", "\(vcpu.total)"]
                        + reasons.map { "\(vcpu.byReason[$0, default: 0])" })
            }
        }
        let channels = ChannelTable(counts.flatMap { $0.channels ?? [] }).lines
        text = (table.lines + channels + Self.traffic(counts)).joined(separator: "\n")
    }
}
