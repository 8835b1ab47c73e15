import ControlClient
import Foundation
import Machines
import TestKit
import Testing

/// One of `Examples/` on its machine: the very files that people read, followed as the demo follows them.
final class ExampleMachine {
    let booted: BootedMachine
    let outside: ExampleOutside
    let folder: URL
    private let example: Example

    init(_ example: Example) throws {
        let workspace = try Workspace.current()
        self.example = example
        try example.buildGuests(workspace)
        folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-example-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do {
            outside = try ExampleOutside(folder: folder)
            try example.make(outside, workspace)
            booted = try BootedMachine(
                manifest: "example-\(example.name)", file: example.manifest(workspace), imageFolder: folder,
                iommu: example.iommu,
                extra: try example.extra(outside, workspace))
        } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
    }

    deinit {
        booted.testbed.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Follows all steps, and does what they ask for.
    func follow(seconds: Double) throws {
        let partitions = booted.testbed.manifest.partitionList.map { $0.name.string }
        var script = ExampleScript(example.steps)
        let deadline = booted.testbed.machine.deadline(seconds: seconds)
        while !script.isDone {
            for partition in partitions { try booted.guest(partition).exchange() }
            for answer in script.advance({ booted.guest($0).lines }) { try `do`(answer) }
            if let failure = ExampleScript.failure(partitions, { booted.guest($0).lines }) {
                throw AdversaryError(failure)
            }
            guard !deadline.isOver else {
                throw AdversaryError("not seen: \(String(describing: script.awaited))")
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private func `do`(_ answer: ExampleScript.Answer) throws {
        switch answer {
        case .type(let text, let partition): booted.guest(partition).type(line: text)
        case .passphrase(let partition):
            booted.guest(partition).type(line: try Example.passphrase(Workspace.current()))
        case .matchPage(let sha256): #expect(try outside.sha256(outside.page) == sha256)
        case .fetch(let sha256): #expect(try outside.sha256(outside.fetch("/file")) == sha256)
        case .client(let name, let words, let refusal):
            try outside.control.waitUntilServed()
            _ = try outside.control.ask(name, words, refusal: refusal)
        }
    }

    /// As of `Testbed`.
    func holders(of texts: [String]) throws -> [Set<String>] {
        try booted.testbed.holders(of: texts, booted.workspace, name: "example-\(example.name)")
    }

    /// Of the machine's disks' files: those that have a text.
    func file(_ name: String, has text: String) throws -> Bool {
        try Data(contentsOf: folder.appending(path: name), options: .alwaysMapped).range(of: Data(text.utf8)) != nil
    }
}

extension Testbed {
    /// Which partitions' memory has a text, as somebody sees it who reads the machine's memory from outside. Root mode's
    /// own is not looked at: a console's text passes through it.
    /// - Parameter name: as of `Snapshot`.
    func holders(of texts: [String], _ workspace: Workspace, name: String) throws -> [Set<String>] {
        let snapshot = try Snapshot(machine, workspace, name: name)
        let names = watch.partitions.map(\.name)
        let ownership = try OwnershipReader(snapshot.memory, partitions: names)
        return texts.map { text in
            let places = snapshot.memory.find(Array(text.utf8), limit: .max)
            return Set(
                names.indices.filter { owner in
                    let memory = ownership.of(.memory, owner: owner).map(\.range)
                    return places.contains { place in memory.contains { $0.contains(place) } }
                }.map { names[$0] })
        }
    }
}
