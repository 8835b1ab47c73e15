import ArgumentParser
import Control
import ControlClient

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count the exits of each vCPU, by reason.",
        discussion: "Counts run from the machine's start. With --for, only the exits within that time are counted.")

    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition. Default: all that permit it.") var partition: String?
    @Option(name: .customLong("for"), help: ArgumentHelp("Count for so many seconds.", valueName: "seconds"))
    var seconds: Double?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let seconds, !(0.01...86400).contains(seconds) {
            throw ValidationError("--for takes 0.01 to 86400 seconds.")
        }
    }

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let names =
                try partition.map { [$0] }
                ?? client.list().filter { $0.permits.contains(.statistics) }.map { $0.name.string }
            let before = try names.map { try client.statistics($0) }
            guard let seconds else { return try show(zip(names, before).map { Count($0, $1, since: nil) }) }
            Pause.seconds(seconds)
            let after = try names.map { try client.statistics($0) }
            try show(zip(names, zip(before, after)).map { Count($0, $1.1, since: $1.0) })
        }
    }

    /// One partition's exits, in all or since an earlier moment.
    struct Count: Encodable {
        struct VCPU: Encodable {
            var total: UInt64
            var byReason: [String: UInt64]
        }

        var partition: String
        var seconds: Double
        var exits: UInt64
        var vcpus: [VCPU]

        init(_ name: String, _ now: PartitionStatistics, since: PartitionStatistics?) {
            partition = name
            seconds = Double(now.clockMicroseconds &- (since?.clockMicroseconds ?? 0)) / 1e6
            vcpus = now.vcpus.enumerated().map { index, counters in
                let earlier = since.flatMap { index < $0.vcpus.count ? $0.vcpus[index] : nil } ?? ExitCounters()
                var byReason: [String: UInt64] = [:]
                for reason in ExitReason.all { byReason["\(reason.name)"] = counters[reason] &- earlier[reason] }
                return VCPU(total: counters.total &- earlier.total, byReason: byReason)
            }
            exits = vcpus.reduce(0) { $0 &+ $1.total }
        }
    }

    private func show(_ counts: [Count]) throws {
        if json { return print(try MachineListing.encode(counts)) }
        let reasons = ExitReason.all.map { "\($0.name)" }.filter { reason in
            counts.contains { $0.vcpus.contains { $0.byReason[reason, default: 0] > 0 } }
        }
        var table = TextTable(["PARTITION", "VCPU", "EXITS"] + reasons, numbers: Set(1..<(3 + reasons.count)))
        for count in counts {
            for (index, vcpu) in count.vcpus.enumerated() {
                table.add(
                    [Manage.printable(count.partition), "\(index)", "\(vcpu.total)"]
                        + reasons.map { "\(vcpu.byReason[$0, default: 0])" })
            }
        }
        print(table.lines.joined(separator: "\n"))
    }
}
