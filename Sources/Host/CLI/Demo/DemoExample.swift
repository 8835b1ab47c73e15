import Foundation
import Machines

/// An example's run: its steps, told as they are seen.
final class DemoExample {
    private let demo: Testbed
    private let outside: ExampleOutside
    private var script: ExampleScript
    /// Of the fetches from outside.
    private var notes: [String] = []
    private var problem: MachineError?

    init(_ demo: Testbed, _ example: Example, _ outside: ExampleOutside) {
        (self.demo, self.outside) = (demo, outside)
        script = ExampleScript(example.steps)
    }

    /// Takes the steps that the consoles show by now.
    func advance() {
        let consoles = demo.watch.partitions.compactMap(\.console)
        for answer in script.advance({ name in consoles.first { $0.partition == name }?.lines ?? [] }) {
            switch answer {
            case .type(let text, let partition): consoles.first { $0.partition == partition }?.type(line: text)
            case .fetch(let sha256): notes.append(fetch(sha256))
            }
        }
    }

    /// What a reader outside gets from the port that leads to the machine.
    private func fetch(_ sha256: String) -> String {
        let address = "http://127.0.0.1:\(outside.port)/file"
        do {
            guard try outside.sha256(outside.fetch("/file")) == sha256 else {
                throw MachineError.declined("\(address) is another page than the guest's")
            }
            return "outside: \(address) is the guest's page"
        } catch {
            problem = error as? MachineError ?? .declined("\(error)")
            return "outside: \(error)"
        }
    }

    /// For the screen: what was seen, and what is awaited.
    var lines: [String] {
        script.seen.map { "  seen: \($0.step.partition): \($0.step.meaning)" } + notes.map { "  seen: \($0)" }
            + [script.awaited.map { "  next: \($0.partition): \($0.meaning)" } ?? "  all was seen"]
    }

    /// Prints each step when it is seen; returns with the last one.
    /// - Throws: `MachineError.timeout` with what was not seen, `MachineError.declined` when a guest says that it failed.
    func runUnattended(seconds: Int) throws {
        var told = 0, noted = 0
        while !script.isDone {
            fflush(nil)
            try demo.watch.refresh()
            try demo.machine.requireRunning()
            advance()
            for seen in script.seen.dropFirst(told) { print(seen.text) }
            for note in notes.dropFirst(noted) { print(note) }
            (told, noted) = (script.seen.count, notes.count)
            let partitions = demo.watch.partitions
            let failure = ExampleScript.failure(partitions.map(\.name)) { name in
                partitions.first { $0.name == name }?.console?.lines ?? []
            }
            if let problem { throw problem }
            if let failure { throw MachineError.declined(failure) }
            if let awaited = script.awaited, demo.machine.uptime > Double(seconds) {
                throw MachineError.timeout(
                    awaited: "\"\(awaited.line)\" of \(awaited.partition)", seconds: Double(seconds), log: "")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
        print("all was seen")
    }
}

extension Example {
    /// For a sentence.
    static var names: String { all.map(\.name).joined(separator: ", ") }
    /// A line for each, with what it shows.
    static var list: String { all.map { "  \($0.name): \($0.abstract)" }.joined(separator: "\n") }
}
