import Foundation
import Testing

@testable import Machines

extension ExampleStep {
    /// Those that it names.
    fileprivate var partitions: [String] {
        switch action {
        case .type(_, let other), .carry(let other): [partition, other]
        case .nothing, .passphrase, .matchPage, .fetch, .client: [partition]
        }
    }
}

@Suite struct ExampleScriptTests {
    private let steps = [
        ExampleStep("a", "@bulkhead key ", "has a key", then: .carry(to: "b")),
        ExampleStep("b", "@bulkhead up", "is up", then: .type("go", on: "c")),
        ExampleStep("c", "login:", "asks", then: .passphrase),
        ExampleStep("c", "@bulkhead page ", "serves", then: .fetch),
    ]

    @Test func stepsAreSeenInTheirOrderAndAnswered() {
        var script = ExampleScript(steps), lines = ["b": ["@bulkhead up"], "c": ["login:"]]
        // What comes later is there already, and is not taken before.
        #expect(script.advance { lines[$0] ?? [] }.isEmpty && script.awaited?.partition == "a")
        lines["a"] = ["noise", "x @bulkhead key no", "@bulkhead key public=abc+/=", "@bulkhead key public=second"]
        #expect(
            script.advance { lines[$0] ?? [] } == [
                .type("abc+/=", on: "b"), .type("go", on: "c"), .passphrase(on: "c"),
            ])
        #expect(script.seen.map(\.step.partition) == ["a", "b", "c"] && !script.isDone)
        // Nothing is answered twice.
        #expect(script.advance { lines[$0] ?? [] }.isEmpty)
        lines["c"]?.append("@bulkhead page port=1 sha256=77")
        #expect(script.advance { lines[$0] ?? [] } == [.fetch(sha256: "77")])
        #expect(script.isDone && script.awaited == nil)
        #expect(script.seen.last?.text == "c: serves  [@bulkhead page port=1 sha256=77]")
    }

    /// What a client asks is done before anything else is seen, of what is there already too.
    @Test func aClientsTurnEndsALook() {
        let lines = ["a": ["up"]]
        var script = ExampleScript([
            ExampleStep("a", "up", "is up", then: .client("alice", ["destroy", "a"])),
            ExampleStep("a", "up", "was stopped", then: .client("bob", ["list"], refusal: "no")),
            ExampleStep("a", "up", "is as it was"),
        ])
        #expect(script.advance { lines[$0] ?? [] } == [.client("alice", ["destroy", "a"], refusal: nil)])
        #expect(script.seen.count == 1 && !script.isDone)
        #expect(script.advance { lines[$0] ?? [] } == [.client("bob", ["list"], refusal: "no")])
        #expect(script.advance { lines[$0] ?? [] }.isEmpty && script.isDone)
    }

    @Test func aGuestThatFailsIsNamed() {
        let lines = ["a": ["@bulkhead ready"], "b": ["error of a program", "@bulkhead error no lease"]]
        #expect(ExampleScript.failure(["a"]) { lines[$0] ?? [] } == nil)
        #expect(ExampleScript.failure(["a", "b"]) { lines[$0] ?? [] } == "b: no lease")
    }

    /// What an example awaits is of partitions that its manifest has, and its tasks are there.
    @Test func eachExampleIsOfItsManifest() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let workspace = Workspace(root: root)
        #expect(Set(Example.all.map(\.name)).count == Example.all.count && Example.all.count > 2)
        // What the demo's guests do.
        let activities = try ["activity", "work"].map {
            try String(contentsOf: root.appending(path: "Guests/init/\($0).c"), encoding: .utf8)
        }.joined()
        for example in Example.all {
            #expect(Example.named(example.name)?.name == example.name)
            let text = try String(contentsOfFile: example.manifest(workspace), encoding: .utf8)
            #expect(
                text.contains("\nname: \(example.name)\n") && text.contains("bulkhead demo --example \(example.name)"))
            for partition in example.steps.flatMap(\.partitions) {
                let parts = partition.split(separator: "@").map(String.init)
                #expect(text.contains("- name: \(parts[0])\n"), "\(example.name): \(partition)")
                #expect(
                    parts.count == 1 || parts[1...].elementsEqual([example.second ?? ""]),
                    "\(example.name): \(partition)")
            }
            #expect(
                FileManager.default.isExecutableFile(atPath: root.appending(path: "Guests/\(example.recipe[0])").path))
            for match in text.matches(of: /bulkhead\.run=([a-z-]+)/) {
                let task = root.appending(path: "Guests/service/\(match.1)")
                let isThere = FileManager.default.fileExists(atPath: task.path) || activities.contains("\"\(match.1)\"")
                #expect(isThere, "\(example.name): \(match.1)")
            }
        }
        #expect(Example.all.filter { $0.second != nil }.map(\.name) == ["sealed-wire"])
        #expect(Example.named("shared") == nil)
        #expect(try !Example.passphrase(workspace).isEmpty)
    }

    @Test func whatStandsOutsideIsOfThisRun() throws {
        try PrivateFolder.with { folder in
            let outside = try ExampleOutside(folder: folder)
            #expect(outside.page.count == 65536 && outside.port > 0)
            let network = outside.network("n")
            #expect(
                network.hasPrefix("user,id=n,restrict=on,")
                    && network.contains("hostfwd=tcp:127.0.0.1:\(outside.port)-"))
            #expect(
                try outside.sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
            #expect(try Data(contentsOf: outside.file("zeros", bytes: 4096)) == Data(count: 4096))
            // Nobody is there yet.
            #expect(throws: MachineError.self) { try outside.fetch("/file", seconds: 1) }
        }
    }
}
