import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Wires between partitions, under Debian's own driver at both ends.
    @Suite(.serialized, .stopsMachines) struct Wire {
        nonisolated(unsafe) static let shared = Result {
            try buildDeviceGuests()
            return try BootedMachine(manifest: "wire")
        }
        let machine: BootedMachine
        init() throws { machine = try unsafe Self.shared.get() }

        /// One end's counters.
        private func end(_ partition: String) throws -> ChannelCounters {
            try #require(try machine.client.statistics(partition).channels.first)
        }

        @Test func twoPartitionsTalk() throws {
            try MachineTests.expectThatTheyTalk(on: machine)
            let reader = machine.guest("reader")
            try expectKicksWithinTheirBound(reader)
            try reader.wait(for: "@bulkhead phase-end name=stream", seconds: 180)
            let sent = try end("server"), received = try end("reader")
            #expect(sent.name.string == "lan" && sent.link == 1 && received.link == 1)
            #expect(sent.bytes > 1_048_576 && sent.frames > 700 && received.frames > 20)
            // Fewer interruptions than frames, and of the neighbour none.
            #expect(sent.kicks > 0 && sent.kicks < sent.frames && received.kicks > 0)
            #expect(try machine.client.statistics("neighbour").channels.isEmpty)
        }

        /// While the other end sends as fast as it can: 200 a second by the manifest, and a burst. What the reader's own device model wants
        /// to go on with, and what the housekeeping core passes on (50 a second at the most), interrupts the reader too.
        private func expectKicksWithinTheirBound(_ reader: ScriptedGuest) throws {
            try reader.wait(for: "@bulkhead phase name=stream", seconds: 180)
            let before = try machine.client.statistics("reader"), sent = try end("server")
            Thread.sleep(forTimeInterval: 4)
            let now = try end("server"), after = try machine.client.statistics("reader")
            let seconds = Double(after.clockMicroseconds - before.clockMicroseconds) / 1e6,
                kicks = now.kicks - sent.kicks
            #expect(Double(kicks) <= seconds * 200 + 4, "\(kicks) in \(seconds) s")
            #expect(kicks > 0 && after.exits(.nmi) > before.exits(.nmi) && now.bytes - sent.bytes > 1 << 20)
        }

        @Test func theLinkFollowsTheOtherEndAndNobodyExitsWhileItIsIdle() throws {
            let server = machine.guest("server"), reader = machine.guest("reader")
            try reader.wait(for: "@bulkhead done", seconds: 300)
            let starts = server.lines.count
            try machine.client.change(.stop, "server")
            try machine.wait("server") { $0.state == .stopped }
            // What is sent to nobody is dropped.
            #expect(try end("server").link == 0)
            try machine.client.change(.start, "server")
            try server.wait(for: "@bulkhead serve ", from: starts, seconds: 180)
            #expect(try end("server").link == 1)
            // Once Linux has announced itself, drivers and wire have nothing to do: nobody exits.
            func exits() throws -> [UInt64] { try ["server", "reader"].map { try machine.exits($0) } }
            var before = try exits(), tries = 0
            repeat {
                Thread.sleep(forTimeInterval: 10)
                let now = try exits()
                if now == before { return }
                before = now
                tries += 1
            } while tries < 12
            Issue.record("there were exits in each of twelve times ten seconds")
        }

        /// Each core maps what it writes, and what it only reads read-only; no guest has any of it.
        @Test func theAuditFindsTwoHalves() throws {
            try machine.guest("reader").wait(for: "@bulkhead done", seconds: 300)
            let halves = try machine.auditedHalves(name: "wire")
            #expect(halves.allSatisfy { $0.range.count == 65 << 12 && $0.detail == 0 })
        }
    }
    /// The same drivers on Intel's machine, whose emulator takes minutes for two kernels.
    @Suite(.serialized, .stopsMachines, .nightly) struct IntelWire {
        @Test func twoPartitionsTalk() throws {
            try buildDeviceGuests()
            let machine = try BootedMachine(manifest: "wire", kind: .intel)
            defer { machine.testbed.stop() }
            try MachineTests.expectThatTheyTalk(on: machine)
            #expect(try machine.client.statistics("neighbour").channels.isEmpty)
        }
    }

    /// A ping, and a megabyte by TCP that is the one that was served.
    private static func expectThatTheyTalk(on machine: BootedMachine) throws {
        let server = machine.guest("server"), reader = machine.guest("reader")
        let served = try server.wait(for: "@bulkhead serve ", seconds: 180)
        #expect(server.lines.contains("@bulkhead link driver=virtio_net messages=3"))
        #expect(try reader.wait(for: "@bulkhead ping ", seconds: 120) == "@bulkhead ping peer=10.9.0.2 received=20")
        let fetched = try reader.wait(for: "@bulkhead fetched ", seconds: 120)
        #expect(fetched.hasPrefix("@bulkhead fetched bytes=1048576 sha256="))
        #expect(fetched.suffix(64) == served.suffix(64))
    }
}

extension BootedMachine {
    /// The halves of the one channel between the first two partitions, of a memory dump in which the audit finds nothing wrong.
    func auditedHalves(name: String) throws -> [OwnershipReader.Entry] {
        let (ownership, audit) = try Snapshot(testbed.machine, workspace, name: name).audit(testbed)
        #expect(audit.findings.isEmpty, "\(audit.text)")
        let halves = ownership.of(.wire)
        #expect(halves.map(\.owner) == [0, 1] && halves.map(\.index) == [1, 0])
        return halves
    }
}
