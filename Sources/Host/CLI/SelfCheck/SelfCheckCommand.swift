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
            // It is refused in words.
            if let partition, partitions.isEmpty { _ = try client.selfCheck(partition) }
            var report = SelfCheckReport()
            for info in partitions {
                let answer = try client.selfCheck(info.name.string)
                report.addHousekeeping(answer.housekeeping)
                report.add(info.name.string, info.cores.rawValue, answer.vcpus)
            }
            print(json ? try jsonText(report.rows) : report.text)
            if !report.isGood { throw ManageError.unexpected("what protects a core is not as it was written") }
        }
    }
}
