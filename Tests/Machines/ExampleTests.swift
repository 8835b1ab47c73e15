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
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        do {
            outside = try ExampleOutside(folder: folder)
            booted = try BootedMachine(
                manifest: "example-\(example.name)", file: example.manifest(workspace), iommu: example.iommu,
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
        }
    }

    /// Which partitions' memory has a text, as somebody sees it who reads the machine's memory from outside. Root mode's
    /// own is not looked at: a console's text passes through it.
    func holders(of texts: [String]) throws -> [Set<String>] {
        let snapshot = try Snapshot(booted.testbed.machine, booted.workspace, name: "example-\(example.name)")
        let names = booted.testbed.manifest.partitionList.map { $0.name.string }
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

    /// Of the machine's disks' files: those that have a text.
    func file(_ name: String, has text: String) throws -> Bool {
        try Data(contentsOf: folder.appending(path: name), options: .alwaysMapped).range(of: Data(text.utf8)) != nil
    }
}

extension MachineTests {
    /// A partition that owns the network card routes and filters for two others.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleSharedNIC {
        @Test func othersReachTheOutsideAndAreReachedAsFarAsTheFilterSays() throws {
            let machine = try ExampleMachine(.sharedNIC)
            try machine.follow(seconds: 240)
            let booted = machine.booted
            #expect(booted.guest("client").lines.contains { $0.hasPrefix("@bulkhead resolved name=download.example address=10.0.2.100") })
            // What passed went over the wires; nobody exits for the neighbour's card.
            for partition in ["client", "listener"] {
                let end = try #require(try booted.client.statistics(partition).channels.first)
                #expect(end.link == 1 && end.frames > 5)
            }
            #expect(try booted.client.statistics("router").channels.count == 2)
            // Without the router nothing is reached: no other way leads outside.
            try booted.client.change(.stop, "router")
            try booted.wait("router") { $0.state == .stopped }
            #expect(throws: (any Error).self) { try machine.outside.fetch("/file", seconds: 5) }
        }
    }

    /// A Debian whose root file system another partition owns the disk of.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleSharedDisk {
        @Test func theOwnerOfTheDiskNeverHasWhatIsOnIt() throws {
            let machine = try ExampleMachine(.sharedDisk)
            let booted = machine.booted, debian = booted.guest("debian")
            try debian.wait(for: "@bulkhead passphrase wanted", seconds: 240)
            debian.type(line: "another one")
            try debian.wait(for: "@bulkhead passphrase refused", seconds: 60)
            try machine.follow(seconds: 400)
            try debian.wait(for: "Debian GNU/Linux 12 debian hvc0", seconds: 60)
            debian.type(line: "root")
            // One text goes into the root file system, one past the encryption: what finds the second would find the first.
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            debian.type(line: "stty -echo; findmnt -no SOURCE / && echo \(secret) > /root/secret && sync && echo wr''itten")
            try debian.wait(for: "/dev/mapper/root", seconds: 90)
            try debian.wait(for: "written", seconds: 60)
            debian.type(line: "echo \(clear) | dd of=/dev/nbd1 conv=fsync status=none && echo past''it")
            try debian.wait(for: "pastit", seconds: 60)
            let holders = try machine.holders(of: [secret, clear])
            #expect(holders[0] == ["debian"])
            #expect(holders[1] == ["debian", "disk"])
            #expect(try !machine.file("disk", has: secret) && !machine.file("scratch", has: secret))
            #expect(try machine.file("scratch", has: clear))
            // It is there: read back through all of it, without the cache.
            debian.type(line: "echo 3 > /proc/sys/vm/drop_caches; sed s/^secret/found/ /root/secret")
            try debian.wait(for: "found" + secret.dropFirst(6), seconds: 60)
        }
    }

    /// Two partitions that talk through a third one.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleWireGuard {
        @Test func theCarrierReadsNothingOfWhatPassesInTheTunnel() throws {
            let machine = try ExampleMachine(.wireGuard)
            try machine.follow(seconds: 300)
            let alice = machine.booted.guest("alice"), bob = machine.booted.guest("bob")
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            alice.type(line: "tunnel \(secret)")
            try bob.wait(for: "@bulkhead received by=tunnel text=\(secret)", seconds: 60)
            alice.type(line: "clear \(clear)")
            try bob.wait(for: "@bulkhead received by=clear text=\(clear)", seconds: 60)
            let holders = try machine.holders(of: [secret, clear])
            #expect(holders[0] == ["alice", "bob"])
            #expect(holders[1] == ["alice", "bob", "carrier"])
        }
    }
}
