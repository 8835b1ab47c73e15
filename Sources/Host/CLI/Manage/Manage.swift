import ArgumentParser
import ControlClient
import Foundation

/// The commands that manage a running machine.
enum Manage {
    static let commands: [ParsableCommand.Type] = [
        PsCommand.self, StatsCommand.self, StartCommand.self, StopCommand.self, PauseCommand.self, ResumeCommand.self,
        RestartCommand.self, ConsoleCommand.self, EventsCommand.self,
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

    static func fail(_ message: String) { FileHandle.standardError.write(Data("bulkhead: \(message)\n".utf8)) }

    /// Text from the machine, made harmless for a terminal.
    static func printable(_ text: String) -> String {
        String(text.unicodeScalars.map { (0x20...0x7E).contains($0.value) ? Character($0) : "?" })
    }
}

/// What goes wrong before or beside the link.
enum ManageError: Error, CustomStringConvertible {
    case noMachine(searched: String)
    case severalMachines([String])
    /// The request was accepted, and then something else happened.
    case unexpected(String)

    var description: String {
        switch self {
        case .noMachine(let searched):
            "no running machine found in \(searched). Start one with `bulkhead demo`, or name its socket or serial line "
                + "with --machine-socket PATH."
        case .severalMachines(let paths):
            "several machines run; say which with --machine-socket PATH:\n  " + paths.joined(separator: "\n  ")
        case .unexpected(let what): what
        }
    }

    var exitCode: Int32 {
        switch self {
        case .unexpected: 1
        default: 3
        }
    }
}

extension LinkError {
    /// Whether the machine answered, and said no.
    var isRefusal: Bool {
        switch self {
        case .refused(.noAnswer, _, _), .refused(.linkDown, _, _): false
        case .refused, .unwritable: true
        default: false
        }
    }
}
