import ArgumentParser
import ControlClient
import Reports

struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the partitions of a running machine.", aliases: ["list"])

    @OptionGroup var machine: MachineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let hello = try client.hello()
            let partitions = try client.list()
            print(json ? try jsonText(MachineListing(hello, partitions)) : PartitionTable(hello, partitions).text)
        }
    }
}
