import ArgumentParser
import Control
import ControlClient
import ManifestRules
import Reports

/// A command for an operation that leads a partition to another state; its name is the operation's.
protocol LifecycleWords {
    static var operation: ControlOperation { get }
    static var abstract: String { get }
    /// What virsh calls it.
    static var alias: String? { get }
}

enum StartWords: LifecycleWords {
    static let operation = ControlOperation.start
    static let abstract = "Start the guest of a stopped or crashed partition."
    static let alias: String? = nil
}

enum StopWords: LifecycleWords {
    static let operation = ControlOperation.stop
    static let abstract = "Stop a partition's guest at once and clear its memory."
    static let alias: String? = "destroy"
}

enum PauseWords: LifecycleWords {
    static let operation = ControlOperation.pause
    static let abstract = "Hold a partition's guest; it keeps its state."
    static let alias: String? = "suspend"
}

enum ResumeWords: LifecycleWords {
    static let operation = ControlOperation.resume
    static let abstract = "Let a paused partition's guest go on."
    static let alias: String? = nil
}

enum RestartWords: LifecycleWords {
    static let operation = ControlOperation.restart
    static let abstract = "Clear a partition's memory, load its image anew and start it."
    static let alias: String? = "reset"
}

extension Manage {
    static let lifecycleCommands: [ParsableCommand.Type] = [
        LifecycleCommand<StartWords>.self, LifecycleCommand<StopWords>.self, LifecycleCommand<PauseWords>.self,
        LifecycleCommand<ResumeWords>.self, LifecycleCommand<RestartWords>.self,
    ]
}

struct LifecycleCommand<Words: LifecycleWords>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Words.operation.name, abstract: Words.abstract, aliases: Words.alias.map { [$0] } ?? [])
    }

    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition.") var partition: String
    @Flag(help: "Return as soon as the machine has begun.") var noWait = false
    @Option(help: ArgumentHelp("How long to wait for it to happen.", valueName: "seconds")) var timeout = 30.0

    func validate() throws {
        guard (0...86400).contains(timeout) else { throw ValidationError("--timeout takes 0 to 86400 seconds.") }
    }

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let change = LifecycleChange(Words.operation, before: try find(client))
            try client.change(Words.operation, partition)
            guard !noWait, let change else { return }
            let deadline = ContinuousClock.now + .seconds(timeout)
            while true {
                let now = try find(client)
                switch change.progress(now) {
                case .done: return print("\(printable(partition)): \(now.state.name)")
                case .ended:
                    throw ManageError.unexpected(
                        "\(Words.operation.name) of \"\(partition)\": it is \(now.state.name) (\(now.cause.name)). Its "
                            + "console may say why: `bulkhead console \(partition)`.")
                case .underWay: break
                }
                guard ContinuousClock.now < deadline else {
                    throw ManageError.unexpected(
                        "\(Words.operation.name) of \"\(partition)\" did not happen within \(Int(timeout)) s: it is "
                            + "\(now.state.name). `bulkhead events` shows when it does.")
                }
                Manage.sleep(seconds: 0.1)
            }
        }
    }

    private func find(_ client: ControlClient) throws -> PartitionInfo {
        let found = try client.list().first { $0.name.string == partition }
        guard let found else { throw LinkError.refused(.unknownPartition, .list, partition: partition) }
        return found
    }
}
