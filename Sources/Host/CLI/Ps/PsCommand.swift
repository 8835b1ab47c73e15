import ArgumentParser
import Control
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
            // Of who permits it.
            let channels = try partitions.filter { $0.permits.contains(.statistics) }.flatMap {
                ChannelCount.all($0.name.string, try client.statistics($0.name.string))
            }
            print(
                json
                    ? try jsonText(MachineListing(hello, partitions, channels))
                    : ([PartitionTable(hello, partitions).text] + ChannelTable(channels).lines).joined(separator: "\n"))
        }
    }
}
