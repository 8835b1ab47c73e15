import Foundation
import Machines

/// An example's run: its steps, told as they are seen.
final class DemoExample {
    private let machines: DemoMachines
    private let workspace: Workspace
    private let outside: ExampleOutside
    private var script: ExampleScript
    /// Of pages that were compared.
    private var notes: [String] = []
    private var problem: MachineError?
    /// What reaches the machine from a shell of this host, once it does.
    private(set) var command: String?

    init(_ machines: DemoMachines, _ example: Example, _ outside: ExampleOutside, _ workspace: Workspace) {
        (self.machines, self.outside, self.workspace) = (machines, outside, workspace)
        script = ExampleScript(example.steps)
    }

    /// Fetches what is new, takes the steps that the consoles show by now, and does what is to be done upon them.
    func advance() throws {
        try machines.refresh()
        let places = machines.places
        func console(_ name: String) -> GuestConsole? { places.first { $0.name == name }?.partition.console }
        func lines(_ name: String) -> [String] { console(name)?.lines ?? [] }
        for answer in script.advance(lines) {
            do {
                switch answer {
                case .type(let text, let partition): console(partition)?.type(line: text)
                case .passphrase(let partition):
                    console(partition)?.type(line: try Example.passphrase(workspace))
                case .matchPage(let sha256): try match(outside.page, sha256, "what the server outside sends")
                case .fetch(let sha256):
                    try match(outside.fetch("/file"), sha256, "http://127.0.0.1:\(outside.port)/file, from outside,")
                case .client(let name, let words, let refusal): try ask(name, words, refusal)
                }
            } catch { problem = problem ?? error as? MachineError ?? .declined("\(error)") }
        }
        let failure = ExampleScript.failure(places.map(\.name), lines)
        problem = problem ?? failure.map { .declined($0) }
    }

    /// Notes that a page has the checksum that a guest says.
    private func match(_ page: some Sequence<UInt8>, _ sha256: String, _ name: String) throws {
        guard try outside.sha256(page) == sha256 else {
            throw MachineError.declined("\(name) is another page than the guest's")
        }
        notes.append("\(name) is the guest's page")
    }

    /// Has a client of libvirt ask, and notes what came of it.
    private func ask(_ name: String, _ words: [String], _ refusal: String?) throws {
        let control = outside.control
        if command == nil {
            try control.waitUntilServed()
            command = control.command(name)
            notes.append("in another terminal: \(control.command(name))")
            notes.append("certificates are in \(control.folder.path), for nobody else to read, until the machine ends")
        }
        notes.append(try control.ask(name, words, refusal: refusal))
    }

    /// For the screen: the last that were seen, and what is awaited.
    var lines: [String] {
        let seen = script.seen.suffix(4).map { "  seen: \($0.step.partition): \($0.step.meaning)" }
        let next = script.awaited.map { "  next: \($0.partition): \($0.meaning)" } ?? "  all was seen"
        return seen + notes.suffix(4).map { "  seen: \($0)" } + (problem.map { ["  wrong: \($0)"] } ?? []) + [next]
    }

    /// Prints each step when it is seen; returns with the last one.
    /// - Throws: `MachineError.timeout` with what was not seen, `MachineError.declined` when a guest says that it failed.
    func runUnattended(seconds: Int) throws {
        var told = 0, noted = 0
        while !script.isDone {
            fflush(nil)
            try advance()
            try machines.requireRunning()
            for seen in script.seen.dropFirst(told) { print(seen.text) }
            for note in notes.dropFirst(noted) { print(note) }
            (told, noted) = (script.seen.count, notes.count)
            if let problem { throw problem }
            if let awaited = script.awaited, machines.first.machine.uptime > Double(seconds) {
                throw MachineError.timeout(
                    awaited: "\"\(awaited.line)\" of \(awaited.partition)", seconds: Double(seconds), log: "")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
        print("all was seen")
    }

    /// Leaves the machine on.
    /// - Parameter seconds: from power-on; nil: until a signal comes.
    func stay(seconds: Int?) throws {
        while seconds.map({ machines.first.machine.uptime < Double($0) }) ?? true {
            fflush(nil)
            try machines.refresh()
            try machines.requireRunning()
            Thread.sleep(forTimeInterval: 0.5)
        }
    }
}

extension Example {
    /// For a sentence.
    static var names: String { all.map(\.name).joined(separator: ", ") }
    /// A line for each, with what it shows.
    static var list: String { all.map { "  \($0.name): \($0.abstract)" }.joined(separator: "\n") }
}
