import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// One guest attacks, the other must not notice: every run of Tests/Guests/attempts.yaml on an AMD machine. The
    /// guests are our own, in Tests/Guests.
    @Suite(.serialized, .stopsMachines) struct Containment {
        nonisolated(unsafe) static let session = Result { try AdversarySession(on: .amd, Workspace.current()) }

        @Test(arguments: runs(.amd)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }

        /// VMRUN of a guest with CR0.NW set and CR0.CD clear exits at once, with the code -1 (APM volume 2, section 15.5.1).
        @Test func aStateThatTheProcessorDoesNotEnterIsToldInWords() throws {
            let session = try unsafe Self.session.get()
            try session.expectAsItMustBe("mode:not-write-through")
            let words = ", vCPU 0: a state that the processor does not enter: exit code 0xffffffff"
            let lines = session.adversary.machine.console.lines
            let isTold = lines.contains { $0.contains(words) && $0.contains(", CR0 0x") && $0.contains(", EFER 0x") }
            #expect(isTold, "\(lines.suffix(20))")
        }
    }

    /// The same with PCI functions in both partitions.
    @Suite(.serialized, .stopsMachines) struct ContainmentOfDevices {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .amd, Workspace.current(), setup: .devices)
        }

        @Test(arguments: runs(.amd, .devices)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// The same with virtio functions that root mode stands for.
    @Suite(.serialized, .stopsMachines) struct ContainmentOfVirtio {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .amd, Workspace.current(), setup: .virtio)
        }

        @Test(arguments: runs(.amd, .virtio)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// The same at the end of a wire.
    @Suite(.serialized, .stopsMachines) struct ContainmentOfWires {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .amd, Workspace.current(), setup: .wire)
        }

        @Test(arguments: runs(.amd, .wire)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// The same from the other end: which half of the memory between the two is the hostile guest's to write is the manifest's order.
    @Suite(.serialized, .stopsMachines, .nightly) struct ContainmentOfTurnedWires {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .amd, Workspace.current(), setup: .turnedWire)
        }

        @Test(arguments: runsAgain(.turnedWire)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// The same on an Intel machine, but for what its table leaves to the night.
    @Suite(.serialized, .stopsMachines) struct IntelContainment {
        nonisolated(unsafe) static let session = Result { try AdversarySession(on: .intel, Workspace.current()) }

        @Test(arguments: runs(.intel)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// Virtio functions on an Intel machine, the end of a wire among them.
    @Suite(.serialized, .stopsMachines) struct IntelContainmentOfVirtio {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .intel, Workspace.current(), setup: .virtio)
        }

        @Test(arguments: runs(.intel, .virtio)) func everyAttemptSeesWhatItMust(_ command: String) throws {
            try unsafe Self.session.get().expectAsItMustBe(command)
        }
    }

    /// What the table has for a kind of machine, by day less what is for the night. A table that cannot be read gives one
    /// run, which fails.
    static func runs(_ kind: MachineKind, _ setup: AttemptTable.Setup = .plain) -> [String] {
        (try? AttemptTable(Workspace.current(), for: kind).runs
            .filter { $0.setup == setup && (Nightly.isOn || !$0.isNightly) }.map(\.command))
            ?? ["the table cannot be read"]
    }

    /// What an AMD machine makes on another setup again.
    static func runsAgain(_ setup: AttemptTable.Setup) -> [String] {
        (try? AttemptTable(Workspace.current(), for: .amd).runs.filter { $0.again == setup }.map(\.command))
            ?? ["the table cannot be read"]
    }
}

extension AdversarySession {
    func expectAsItMustBe(_ command: String) throws {
        let run = try #require(table.runs.first { $0.command == command })
        let results = try carryOut(run)
        #expect(results.count >= run.attempts.count)
        for result in results {
            #expect(
                result.asExpected,
                "\(result.name): saw \(result.seen), expected \(result.expected) \(result.problems) \(result.findings)")
        }
    }
}
