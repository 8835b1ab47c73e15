import Control
import Foundation
import TestKit
import Testing

extension MachineTests {
    /// What managers and guests do to a partition, and that the one beside it does not notice.
    @Suite(.serialized, .stopsMachines) struct Lifecycle {
        nonisolated(unsafe) static let shared = Result { try Yard(manifest: "lifecycle") }
        let yard: Yard
        private let firstEvent: Int
        private let witnessStarts: UInt64

        /// Every test begins with both guests up.
        init() throws {
            let yard = try unsafe Self.shared.get()
            self.yard = yard
            for partition in ["subject", "witness"] {
                switch try yard.info(partition).state {
                case .stopped, .crashed: try yard.starting(partition) { try yard.client.change(.start, partition) }
                case .paused: try yard.client.change(.resume, partition)
                default: try yard.guest(partition).wait(for: "@bulkhead ready ", seconds: 120)
                }
            }
            _ = try yard.events(of: "subject", from: 0)
            firstEvent = yard.events.count
            witnessStarts = try yard.info("witness").starts
        }

        /// The subject's events since the test began.
        private func told() throws -> [String] {
            let events = try yard.events(of: "subject", from: firstEvent)
            #expect(events.allSatisfy { $0.kind == .state })
            #expect(zip(events, events.dropFirst()).allSatisfy { $0.clockMicroseconds <= $1.clockMicroseconds })
            return events.map { "\($0.state.name) by \($0.cause.name)" }
        }

        /// The witness has gone on with what it does, neither started anew nor told about.
        private func expectWitnessGoesOn(_ location: SourceLocation = #_sourceLocation) throws {
            let before = try yard.ask("witness", "report", "latency", "samples")
            let after = try yard.ask("witness", "report", "latency", "samples")
            #expect(after > before, "its loop runs", sourceLocation: location)
            let info = try yard.info("witness")
            #expect(info.state == .running && info.starts == witnessStarts, sourceLocation: location)
            #expect(try yard.events(of: "witness", from: firstEvent).isEmpty, sourceLocation: location)
        }

        @Test func aPausedGuestStandsStillAndGoesOn() throws {
            let begun = ContinuousClock.now
            let running = (try yard.exits("subject"), try yard.clock("subject"))
            #expect(try yard.exits("subject") > running.0)
            try yard.client.change(.pause, "subject")
            try yard.wait("subject") { $0.state == .paused }
            let paused = try yard.exits("subject"), stood = ContinuousClock.now
            Thread.sleep(forTimeInterval: 3)
            #expect(try yard.exits("subject") == paused)
            #expect(try yard.info("subject").state == .paused)
            let goesOn = ContinuousClock.now
            try yard.client.change(.resume, "subject")
            try yard.wait("subject") { $0.state == .running }
            let resumed = try yard.clock("subject")
            #expect(resumed > running.1, "it goes on")
            // By the host's clock, which QEMU's guests go by: however long the host took, three seconds are left out.
            let most = (ContinuousClock.now - begun) - (goesOn - stood) + .milliseconds(250)
            #expect(.milliseconds(resumed - running.1) < most, "it did not see the time in which it stood")
            #expect(try yard.exits("subject") > paused)
            #expect(try yard.info("subject").starts == yard.guest("subject").starts)
            #expect(try told() == ["paused by manager", "running by manager"])
            try expectWitnessGoesOn()
        }

        @Test func itIsStoppedAndStarted() throws {
            let starts = try yard.info("subject").starts
            try yard.client.change(.stop, "subject")
            let stopped = try yard.wait("subject") { $0.state == .stopped }
            #expect(stopped.cause == .manager && stopped.starts == starts && stopped.uptimeMicroseconds == 0)
            try yard.starting("subject") { try yard.client.change(.start, "subject") }
            let started = try yard.info("subject")
            #expect(started.state == .running && started.cause == .manager && started.starts == starts + 1)
            #expect(
                try told() == [
                    "stopping by manager", "stopped by manager", "starting by manager", "running by manager",
                ])
            try expectWitnessGoesOn()
        }

        @Test func itIsStoppedWhilePaused() throws {
            try yard.client.change(.pause, "subject")
            try yard.wait("subject") { $0.state == .paused }
            try yard.client.change(.stop, "subject")
            try yard.wait("subject") { $0.state == .stopped }
            #expect(try told() == ["paused by manager", "stopping by manager", "stopped by manager"])
            try expectWitnessGoesOn()
        }

        @Test func itIsRestarted() throws {
            let starts = try yard.info("subject").starts
            let begun = ContinuousClock.now
            try yard.starting("subject") { try yard.client.change(.restart, "subject") }
            let restarted = try yard.info("subject")
            #expect(restarted.state == .running && restarted.cause == .manager && restarted.starts == starts + 1)
            let clock = try yard.clock("subject")
            #expect(.milliseconds(clock) < ContinuousClock.now - begun + .seconds(1), "its clock began anew")
            #expect(try told() == ["stopping by manager", "starting by manager", "running by manager"])
            try expectWitnessGoesOn()
        }

        @Test func whatIsNotPossibleIsRefusedByNameAndChangesNothing() throws {
            let starts = try yard.info("subject").starts
            for operation in [ControlOperation.start, .resume] {
                #expect(try yard.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            for operation in [ControlOperation.stop, .pause, .resume, .restart] {
                #expect(try yard.refusal(of: operation, "witness") == .notPermitted, "\(operation.name)")
            }
            #expect(try yard.refusal(of: .start, "witness") == .wrongState)
            #expect(try yard.refusal(of: .stop, "nobody") == .unknownPartition)
            #expect(try told().isEmpty)
            try yard.client.change(.pause, "subject")
            try yard.wait("subject") { $0.state == .paused }
            for operation in [ControlOperation.start, .pause] {
                #expect(try yard.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            try yard.client.change(.stop, "subject")
            try yard.wait("subject") { $0.state == .stopped }
            for operation in [ControlOperation.stop, .pause, .resume] {
                #expect(try yard.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            #expect(try yard.info("subject").state == .stopped && yard.info("subject").starts == starts)
            #expect(try told() == ["paused by manager", "stopping by manager", "stopped by manager"])
            try expectWitnessGoesOn()
        }

        @Test func poweringOffStopsIt() throws {
            let starts = try yard.info("subject").starts
            yard.guest("subject").type(line: "poweroff")
            try yard.guest("subject").exchange()
            let off = try yard.wait("subject") { $0.state == .stopped }
            #expect(off.cause == .poweroff && off.starts == starts)
            #expect(try told() == ["stopping by poweroff", "stopped by poweroff"])
            try expectWitnessGoesOn()
        }

        @Test func rebootingRestartsIt() throws {
            let starts = try yard.info("subject").starts
            try yard.starting("subject") { yard.guest("subject").type(line: "reboot") }
            let again = try yard.info("subject")
            #expect(again.state == .running && again.cause == .reboot && again.starts == starts + 1)
            #expect(try told() == ["stopping by reboot", "starting by reboot", "running by reboot"])
            try expectWitnessGoesOn()
        }

        @Test func aPanicRestartsIt() throws {
            let starts = try yard.info("subject").starts
            try yard.starting("subject") { yard.guest("subject").type(line: "panic") }
            let again = try yard.info("subject")
            #expect(again.state == .running && again.cause == .panic && again.starts == starts + 1)
            #expect(yard.guest("subject").lines.contains { $0.contains("Kernel panic - not syncing") })
            #expect(try told() == ["stopping by panic", "starting by panic", "running by panic"])
            try expectWitnessGoesOn()
        }

        /// The other one's policies, of the same three ends.
        @Test func anotherManifestMeansOtherEnds() throws {
            let starts = try yard.info("witness").starts
            yard.guest("witness").type(line: "panic")
            try yard.guest("witness").exchange()
            let crashed = try yard.wait("witness") { $0.state == .crashed }
            #expect(crashed.cause == .panic && crashed.starts == starts)
            try yard.guest("witness").exchange()
            #expect(yard.guest("witness").lines.contains { $0.contains("Kernel panic - not syncing") })
            try yard.starting("witness") { try yard.client.change(.start, "witness") }
            yard.guest("witness").type(line: "reboot")
            try yard.guest("witness").exchange()
            let off = try yard.wait("witness") { $0.state == .stopped }
            #expect(off.cause == .reboot && off.starts == starts + 1)
            try yard.starting("witness") { try yard.client.change(.start, "witness") }
            try yard.starting("witness") { yard.guest("witness").type(line: "poweroff") }
            let again = try yard.info("witness")
            #expect(again.state == .running && again.cause == .poweroff && again.starts == starts + 3)
            #expect(try told().isEmpty, "the subject is left alone")
        }
    }
}

extension ScriptedGuest {
    /// How often its user space was ready.
    fileprivate var starts: UInt64 { UInt64(lines.count { $0.hasPrefix("@bulkhead ready ") }) }
}
