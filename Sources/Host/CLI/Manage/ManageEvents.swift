import ArgumentParser
import Control
import ControlClient
import Foundation
import Manifest

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happens to partitions, as it happens.")

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
            let end = seconds.map { ContinuousClock.now + .seconds($0) }
            while end.map({ $0 > .now }) ?? true {
                let timeouts = min(end.map { $0 - .now } ?? .seconds(60), .seconds(60))
                guard let event = try client.nextEvent(timeout: max(timeouts, .zero)) else { continue }
                Terminal.write((json ? try Report(event).line : Self.text(event)) + "\n")
            }
        }
    }

    static func text(_ numbered: NumberedEvent) -> String {
        let event = numbered.event
        if event.kind == .device { return missed(numbered) + deviceText(event) }
        var line =
            "\(Show.time(event.clockMicroseconds))  \(Manage.printable(event.partition.string))  \(event.state.name)"
            + "  \(event.cause.name)"
        if event.kind == .fault {
            line += "  fault on vCPU \(event.vcpu): code \(hex(event.code)), address \(hex(event.address))"
        }
        return missed(numbered) + line
    }

    private static func missed(_ numbered: NumberedEvent) -> String {
        numbered.missed > 0 ? "(\(numbered.missed) events missed)\n" : ""
    }

    private static func deviceText(_ event: ControlEvent) -> String {
        let access = RefusedAccess(rawValue: event.code)
        let owner = event.partition.isEmpty ? "nobody's" : Manage.printable(event.partition.string)
        let what = access.isInterrupt ? "an interrupt" : access.isWrite ? "a write" : "a read"
        return "\(Show.time(event.clockMicroseconds))  \(owner)  device \(access.function.text) was refused \(what) at "
            + "\(hex(event.address)) (reason \(access.reason))"
    }

    static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

    struct Report: Encodable {
        var sequence: UInt32
        var missed, clockUs: UInt64
        var kind, partition, state, cause: String
        var vcpu: Int?
        var code, address: String?
        /// Of a device: its function, and `read`, `write` or `interrupt`.
        var function, access: String?
        var reason: UInt8?

        init(_ numbered: NumberedEvent) {
            let event = numbered.event
            sequence = numbered.sequence
            missed = numbered.missed
            clockUs = event.clockMicroseconds
            kind = "\(event.kind.name)"
            partition = event.partition.string
            state = "\(event.state.name)"
            cause = "\(event.cause.name)"
            guard event.kind != .state else { return }
            address = hex(event.address)
            if event.kind == .fault {
                vcpu = event.vcpu
                code = hex(event.code)
            } else {
                let refused = RefusedAccess(rawValue: event.code)
                function = refused.function.text
                access = refused.isInterrupt ? "interrupt" : refused.isWrite ? "write" : "read"
                reason = refused.reason
            }
        }

        var line: String { get throws { try MachineListing.encode(self, pretty: false) } }
    }
}
