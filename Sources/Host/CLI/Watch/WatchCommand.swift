import ArgumentParser
import Control
import ControlClient
import Reports

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show whether partitions' kernels are guarded, and what was tried against them.",
        discussion: """
            One row for each partition: whether its kernel is locked, and how many verdicts there were since its guest \
            started. --follow goes on with verdicts as they come. The exit status is 1 when there was a verdict, or a \
            kernel could not be locked. Documentation/watch.md says what is guarded and what is not.
            """)

    @OptionGroup var machine: MachineOptions
    @Flag(help: "Go on, and show verdicts as they come.") var follow = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            if follow { try client.subscribe() }
            let rows = try client.list().map(WatchRow.init)
            print(json ? try jsonText(rows) : WatchRow.table(rows))
            while follow {
                guard let event = try client.nextEvent(timeout: .seconds(60)), event.event.kind == .attack else {
                    continue
                }
                let report = EventReport(event)
                Terminal.write((json ? try jsonText(report, pretty: false) : report.text) + "\n")
            }
            if rows.contains(where: \.isAlarming) {
                throw ManageError.unexpected("a kernel was attacked, or could not be locked")
            }
        }
    }
}
