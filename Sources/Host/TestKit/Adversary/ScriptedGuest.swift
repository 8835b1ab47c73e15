import ControlClient
import Foundation
import Machines

/// A guest's console, all of its lines kept.
public final class ScriptedGuest {
    public let name: String
    private let client: ControlClient
    private let console: GuestConsole
    public private(set) var lines: [String] = []
    private let machine: Machine

    /// - Parameter machine: on which it runs.
    public init(_ name: String, _ client: ControlClient, on machine: Machine) {
        self.name = name
        self.machine = machine
        self.client = client
        console = GuestConsole(partition: name)
        console.onLine = { [unowned self] in lines.append($0) }
    }

    public func type(_ text: String) { console.type(text.utf8) }
    public func paste(_ bytes: [UInt8]) { console.type(bytes) }
    public func type(line: String) { console.type(line: line) }

    /// Sends what is queued and fetches what is new. Output that was overwritten before it was fetched is an error, as a
    /// result may have been in it.
    public func exchange() throws {
        let lost = console.lost
        try console.exchange(client)
        if console.lost != lost { lines.append("(\(console.lost - lost) bytes lost)") }
    }

    /// Waits for a line that starts with `prefix`, from line index `start` on.
    /// - Parameter seconds: as of `Machine.deadline`.
    @discardableResult
    public func wait(for prefix: String, from start: Int = 0, seconds: Double) throws -> String {
        let deadline = machine.deadline(seconds: seconds)
        // A guest that prints thousands of lines waits for its reader: each line is looked at once.
        var next = start
        while true {
            try exchange()
            if let line = lines.dropFirst(next).first(where: { $0.hasPrefix(prefix) }) { return line }
            next = max(next, lines.count)
            guard !deadline.isOver else {
                throw AdversaryError(
                    "\(name) did not print \"\(prefix)\":\n\(lines.suffix(20).joined(separator: "\n"))")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}
