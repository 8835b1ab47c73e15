import Control
import ControlClient
import ManifestRules

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
        text = table.lines.joined(separator: "\n")
    }
}
