import ArgumentParser
import ControlClient
import Foundation
import ManifestRules

/// The commands that manage a running machine.
enum Manage {
    static let commands: [ParsableCommand.Type] =
        [PsCommand.self, TopCommand.self, StatsCommand.self, SelfCheckCommand.self] + lifecycleCommands + [
            ConsoleCommand.self, EventsCommand.self, LogCommand.self, WatchCommand.self,
        ]

    /// Runs a command's body; says what went wrong in one line and ends with the exit code for it.
    ///
    /// 1: the machine refused, or what was asked for did not happen. 3: the machine cannot be reached or does not
    /// answer. 64: the command line is wrong.
    static func run(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as LinkError {
            fail("\(error)")
            throw ExitCode(error.isRefusal ? 1 : 3)
        } catch let error as ManageError {
            fail("\(error)")
            throw ExitCode(error.exitCode)
        }
    }

    /// One line, or more; whatever a disk, a guest or a machine has put into it.
    static func fail(_ message: String) {
        FileHandle.standardError.write(Data("bulkhead: \(printable(message, lines: true))\n".utf8))
    }

    /// Waits without keeping a core busy.
    static func sleep(seconds: Double) { Thread.sleep(forTimeInterval: seconds) }
}
