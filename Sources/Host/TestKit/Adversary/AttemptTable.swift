import Foundation
import Machines
import Yams

/// `Tests/Guests/attempts.yaml`: every attempt to get out, and what each must see. `Tests/Guests/nightly.yaml` says which
/// of them a machine that takes long makes at night alone.
public struct AttemptTable: Sendable {
    /// One thing that the hostile guest, or somebody else, is told to do; it makes one attempt or many.
    public struct Run: Sendable, CustomStringConvertible {
        /// What is attacked: memory, interrupts, devices, ...
        public var vector: String
        public var command: String
        public var kind: Kind
        /// Which machine it is made on.
        public var setup: Setup
        /// How long it may take on QEMU.
        public var seconds: Double
        /// Whether the suites make it at night alone.
        public var isNightly = false
        /// On which other machine the suites make it again at night.
        public var again: Setup?
        /// In the order of the file.
        public var attempts: [(name: String, expected: Expectation)]

        public var description: String { command }
    }
    public enum Kind: String, Sendable {
        /// The guest survives and reports each attempt by its name.
        case probe
        /// One attempt, named as its command, that may end the guest.
        case deadly
        /// One that ends the guest; the guest that follows finds nothing in its memory.
        case end
        /// A guest that does not come back: it can be paused, resumed and started anew.
        case wedge
        /// As much of something as a guest can do, beside the neighbour, whose exits are counted without and with.
        case storm
        /// From a manager's side of the management link.
        case link
    }

    /// The machines, each with a manifest of Tests/Machines/Manifests.
    public enum Setup: String, Sendable, CaseIterable {
        case plain = "containment"
        /// The guests own PCI functions, behind VT-d.
        case devices = "containment-devices"
        /// The hostile guest has a virtio console, and is at the end of a wire, whose other end is a guest of ours.
        case virtio = "containment-virtio"
        /// The hostile guest is at the end of a wire, whose other end is a Linux.
        case wire = "containment-wire"
        /// The same with the ends of wire and port the other way round.
        case turnedWire = "containment-wire-turned"
    }

    public private(set) var runs: [Run] = []

    /// - Throws: `AttemptTableError`, what reading the file throws, `YamlError`.
    public init(_ workspace: Workspace, for kind: MachineKind) throws {
        let file = workspace.root.appending(path: "Tests/Guests/attempts.yaml")
        guard let sections = try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8))?.sequence else {
            throw AttemptTableError("it is no list")
        }
        for section in sections { try add(section, kind) }
        try leaveToTheNight(AttemptNights(workspace, for: kind).runs)
        var names: Set<String> = []
        for name in runs.flatMap({ $0.attempts.map(\.name) }) where !names.insert(name).inserted {
            throw AttemptTableError("\(name) is there twice")
        }
    }

    private mutating func leaveToTheNight(_ commands: [String]) throws(AttemptTableError) {
        for command in commands {
            guard let index = runs.firstIndex(where: { $0.command == command && !$0.isNightly }) else {
                throw AttemptTableError("there is no run \(command) by day that the night could take")
            }
            runs[index].isNightly = true
        }
    }

    private mutating func add(_ section: Node, _ machine: MachineKind) throws {
        guard let section = section.mapping, let vector = section["vector"]?.string else {
            throw AttemptTableError("a section has no vector")
        }
        if let only = section["only"]?.string, only != machine.rawValue { return }
        let known = ["vector", "only", "nightly", "kind", "machine", "again", "seconds", "run", "attempts"]
        if let stray = section.keys.first(where: { !known.contains($0.string ?? "") }) {
            throw AttemptTableError("\(stray.string ?? "?") is no key of a section")
        }
        guard let kind = Kind(rawValue: section["kind"]?.string ?? "probe") else {
            throw AttemptTableError("\(section["kind"]?.string ?? "?") is no kind")
        }
        let named = section["machine"], name = named?.mapping?[machine.rawValue]?.string ?? named?.string
        guard let setup = named == nil ? .plain : Setup(rawValue: name ?? "") else {
            throw AttemptTableError("\(name ?? "?") is no machine")
        }
        let second = section["again"]?.string, again = second.flatMap(Setup.init)
        guard second == nil || again != nil else { throw AttemptTableError("\(second ?? "?") is no machine") }
        guard let list = section["attempts"]?.mapping else { throw AttemptTableError("a section has no attempts") }
        let attempts = try list.compactMap { name, expected -> (name: String, expected: Expectation)? in
            guard let name = name.string else { throw AttemptTableError("a name is no word") }
            if let text = expected.string { return (name, Expectation(text)) }
            // By vendor; one whose processors have it not is not there.
            return expected.mapping?[machine.rawValue]?.string.map { (name, Expectation($0)) }
        }
        let seconds = section["seconds"]?.float ?? section["seconds"]?.int.map(Double.init) ?? 10
        func run(_ command: String, _ attempts: [(name: String, expected: Expectation)]) -> Run {
            Run(
                vector: vector, command: command, kind: kind, setup: setup, seconds: seconds,
                isNightly: section["nightly"]?.string == machine.rawValue, again: again, attempts: attempts)
        }
        if let command = section["run"]?.string {
            runs.append(run(command, attempts))
        } else {
            runs += attempts.map { run($0.name, [$0]) }
        }
    }
}

extension AttemptTable.Run {
    /// What is tried in much the same way: of runs that are one attempt each, those whose commands begin alike; else those of the
    /// same vector on the same machine.
    package var group: String {
        let family = kind == .probe ? "" : command.prefix { $0 != ":" && (kind != .link || $0 != "-") }
        return "\(vector), \(kind.rawValue), \(setup.rawValue), \(family)"
    }
}

struct AttemptTableError: Error, CustomStringConvertible {
    var description: String
    init(_ what: String) { description = "Tests/Guests/attempts.yaml: \(what)" }
}
