import ArgumentParser
import Control
import ControlClient
import Reports

struct SelfCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selfcheck", abstract: "Have each core read back what protects it.",
        discussion: """
            One row for each core and item: control registers, the control block of its vCPU, the roots of page tables. The \
            exit status is 1 when anything is not as it was written, or when a core does not answer within five seconds.
            """)

    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition. Default: all that permit it.") var partition: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let partitions = try client.list().filter {
                partition == nil ? $0.permits.contains(.selfCheck) : $0.name.string == partition
            }
            if let partition, partitions.isEmpty { _ = try client.selfCheck(partition) }
            var report = SelfCheckReport()
            for info in partitions {
                let name = info.name.string, before = try client.selfCheck(name)
                report.addHousekeeping(before.housekeeping)
                var now = before
                for _ in 0..<50 where !SelfCheckReport.isAnswered(now.vcpus, since: before.vcpus) {
                    Manage.sleep(seconds: 0.1)
                    now = try client.selfCheck(name)
                }
                report.add(name, info.cores.rawValue, now.vcpus, since: before.vcpus)
            }
            print(json ? try jsonText(report.rows) : report.text)
            if !report.isGood { throw ManageError.unexpected("what protects a core is not as it was written") }
        }
    }
}
