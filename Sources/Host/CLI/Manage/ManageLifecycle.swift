import ArgumentParser
import Control
import ControlClient
import Foundation

/// Waiting without keeping a core busy.
enum Pause {
    static func seconds(_ seconds: Double) { Thread.sleep(forTimeInterval: seconds) }
}

/// A partition's name, and how long to wait for what was asked to happen.
struct ChangeOptions: ParsableArguments {
    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition.") var partition: String
    @Flag(help: "Return as soon as the machine has begun.") var noWait = false
    @Option(help: ArgumentHelp("How long to wait for it to happen.", valueName: "seconds")) var timeout = 30.0

    func validate() throws {
        guard (0...86400).contains(timeout) else { throw ValidationError("--timeout takes 0 to 86400 seconds.") }
    }

    /// Asks for `operation` and waits until the partition is in `wanted`.
    func carryOut(_ operation: ControlOperation, _ wanted: PartitionState) throws {
        try Manage.run {
            let client = try machine.connect()
            let before = try find(client)
            try client.change(operation, partition)
            if noWait { return }
            let deadline = ContinuousClock.now + .seconds(timeout)
            while true {
                let now = try find(client)
                let isNew = wanted != .running || operation == .resume || now.starts > before.starts
                if now.state == wanted, isNew { return print("\(Manage.printable(partition)): \(now.state.name)") }
                // A guest may end as quickly as it began; a start that ends in a crash has failed.
                if isNew, now.state == .crashed || (wanted == .running && now.state == .stopped) {
                    throw ManageError.unexpected(
                        "\(operation.name) of \"\(partition)\": it is \(now.state.name) (\(now.cause.name)). Its console "
                            + "may say why: `bulkhead console \(partition)`.")
                }
                guard ContinuousClock.now < deadline else {
                    throw ManageError.unexpected(
                        "\(operation.name) of \"\(partition)\" did not happen within \(Int(timeout)) s: it is "
                            + "\(now.state.name). `bulkhead events` shows when it does.")
                }
                Pause.seconds(0.1)
            }
        }
    }

    private func find(_ client: ControlClient) throws -> PartitionInfo {
        let found = try client.list().first { $0.name.string == partition }
        guard let found else { throw LinkError.refused(.unknownPartition, .list, partition: partition) }
        return found
    }
}

struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the guest of a stopped or crashed partition.")
    @OptionGroup var options: ChangeOptions
    func run() throws { try options.carryOut(.start, .running) }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop a partition's guest at once and clear its memory.")
    @OptionGroup var options: ChangeOptions
    func run() throws { try options.carryOut(.stop, .stopped) }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Hold a partition's guest; it keeps its state.")
    @OptionGroup var options: ChangeOptions
    func run() throws { try options.carryOut(.pause, .paused) }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused partition's guest go on.")
    @OptionGroup var options: ChangeOptions
    func run() throws { try options.carryOut(.resume, .running) }
}

struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Clear a partition's memory, load its image anew and start it.")
    @OptionGroup var options: ChangeOptions
    func run() throws { try options.carryOut(.restart, .running) }
}
