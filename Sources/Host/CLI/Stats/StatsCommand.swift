import ArgumentParser
import Control
import ControlClient
import Reports

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
            guard let seconds else { return try show(zip(names, before).map { ExitCount($0, $1) }) }
            Manage.sleep(seconds: seconds)
            let after = try names.map { try client.statistics($0) }
            try show(zip(names, zip(before, after)).map { ExitCount($0, $1.1, since: $1.0) })
        }
    }

    private func show(_ counts: [ExitCount]) throws { print(json ? try jsonText(counts) : ExitTable(counts).text) }
}
