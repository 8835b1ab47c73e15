import ArgumentParser
import Control
import ControlClient
import Foundation
import Reports

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happens to partitions, as it happens.", aliases: ["event"])

    @OptionGroup var machine: MachineOptions
    @Option(name: .customLong("for"), help: ArgumentHelp("End after so many seconds.", valueName: "seconds"))
    var seconds: Double?
    @Flag(help: "Print one JSON object a line.") var json = false

    func validate() throws {
        if let seconds, !(0...86400).contains(seconds) { throw ValidationError("--for takes 0 to 86400 seconds.") }
    }

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            try client.subscribe()
            try Self.follow(client, began: Self.began(try client.hello()), seconds: seconds, json: json)
        }
    }

    /// The machine's clock counts from its start; when that was, this host's clock knows as well as the link is fast.
    static func began(_ hello: MachineInfo) -> Date { Date.now - Double(hello.uptimeMicroseconds) / 1e6 }

    /// Prints events as they come, once they are subscribed.
    static func follow(_ client: ControlClient, began: Date, seconds: Double?, json: Bool) throws {
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        while end.map({ $0 > .now }) ?? true {
            let left = min(end.map { $0 - .now } ?? .seconds(60), .seconds(60))
            guard let event = try client.nextEvent(timeout: max(left, .zero)) else { continue }
            let report = EventReport(event, began: began)
            Terminal.write((json ? try jsonText(report, pretty: false) : report.text) + "\n")
        }
    }
}
