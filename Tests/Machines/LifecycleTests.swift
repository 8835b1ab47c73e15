import Control
import Foundation
import TestKit
import Testing

extension MachineTests {
    /// What managers and guests do to a partition, and that the one beside it does not notice.
    @Suite(.serialized, .stopsMachines) struct Lifecycle {
        nonisolated(unsafe) static let shared = Result { try BootedMachine(manifest: "lifecycle") }
        let machine: BootedMachine
        private let firstEvent: Int
        private let witnessStarts: UInt64

        /// Every test begins with both guests up.
        init() throws {
            let machine = try unsafe Self.shared.get()
            self.machine = machine
            for partition in ["subject", "witness"] {
                switch try machine.info(partition).state {
                case .stopped, .crashed:
                    try machine.starting(partition) { try machine.client.change(.start, partition) }
                case .paused: try machine.client.change(.resume, partition)
                default: try machine.guest(partition).wait(for: "@bulkhead ready ", seconds: 120)
                }
            }
            _ = try machine.events(of: "subject", from: 0)
            firstEvent = machine.events.count
            witnessStarts = try machine.info("witness").starts
        }

        /// The subject's events since the test began.
        private func told() throws -> [String] {
            let events = try machine.events(of: "subject", from: firstEvent)
            #expect(events.allSatisfy { $0.kind == .state })
            #expect(zip(events, events.dropFirst()).allSatisfy { $0.clockMicroseconds <= $1.clockMicroseconds })
            return events.map { "\($0.state.name) by \($0.cause.name)" }
        }

        /// The witness has gone on with what it does, neither started anew nor told about.
        private func expectWitnessGoesOn(_ location: SourceLocation = #_sourceLocation) throws {
            let before = try machine.ask("witness", "report", "latency", "samples")
            let after = try machine.ask("witness", "report", "latency", "samples")
            #expect(after > before, "its loop runs", sourceLocation: location)
            let info = try machine.info("witness")
            #expect(info.state == .running && info.starts == witnessStarts, sourceLocation: location)
            #expect(try machine.events(of: "witness", from: firstEvent).isEmpty, sourceLocation: location)
        }

        @Test func aPausedGuestStandsStillAndGoesOn() throws {
            let begun = ContinuousClock.now
            let running = (try machine.exits("subject"), try machine.clock("subject"))
            #expect(try machine.exits("subject") > running.0)
            try machine.client.change(.pause, "subject")
            try machine.wait("subject") { $0.state == .paused }
            // The boot vCPU says it; the other one stands still when its core has heard the kick.
            var paused = try machine.exits("subject")
            for _ in 0..<50 {
                Thread.sleep(forTimeInterval: 0.2)
                let before = paused
                paused = try machine.exits("subject")
                if before == paused { break }
            }
            let stood = ContinuousClock.now
            Thread.sleep(forTimeInterval: 3)
            #expect(try machine.exits("subject") == paused)
            #expect(try machine.info("subject").state == .paused)
            let goesOn = ContinuousClock.now
            try machine.client.change(.resume, "subject")
            try machine.wait("subject") { $0.state == .running }
            let resumed = try machine.clock("subject")
            #expect(resumed > running.1, "it goes on")
            // By the host's clock, which QEMU's guests go by: however long the host took, three seconds are left out.
            let most = (ContinuousClock.now - begun) - (goesOn - stood) + .milliseconds(250)
            #expect(.milliseconds(resumed - running.1) < most, "it did not see the time in which it stood")
            #expect(try machine.exits("subject") > paused)
            #expect(try machine.info("subject").starts == machine.guest("subject").starts)
            #expect(try told() == ["paused by manager", "running by manager"])
            try expectWitnessGoesOn()
        }

        @Test func itIsStoppedAndStarted() throws {
            let starts = try machine.info("subject").starts
            try machine.client.change(.stop, "subject")
            let stopped = try machine.wait("subject") { $0.state == .stopped }
            #expect(stopped.cause == .manager && stopped.starts == starts && stopped.uptimeMicroseconds == 0)
            try machine.starting("subject") { try machine.client.change(.start, "subject") }
            let started = try machine.info("subject")
            #expect(started.state == .running && started.cause == .manager && started.starts == starts + 1)
            #expect(
                try told() == [
                    "stopping by manager", "stopped by manager", "starting by manager", "running by manager",
                ])
            try expectWitnessGoesOn()
        }

        @Test func itIsStoppedWhilePaused() throws {
            try machine.client.change(.pause, "subject")
            try machine.wait("subject") { $0.state == .paused }
            try machine.client.change(.stop, "subject")
            try machine.wait("subject") { $0.state == .stopped }
            #expect(try told() == ["paused by manager", "stopping by manager", "stopped by manager"])
            try expectWitnessGoesOn()
        }

        @Test func itIsRestarted() throws {
            let starts = try machine.info("subject").starts
            let begun = ContinuousClock.now
            try machine.starting("subject") { try machine.client.change(.restart, "subject") }
            let restarted = try machine.info("subject")
            #expect(restarted.state == .running && restarted.cause == .manager && restarted.starts == starts + 1)
            let clock = try machine.clock("subject")
            #expect(.milliseconds(clock) < ContinuousClock.now - begun + .seconds(1), "its clock began anew")
            #expect(try told() == ["stopping by manager", "starting by manager", "running by manager"])
            try expectWitnessGoesOn()
        }

        @Test func whatIsNotPossibleIsRefusedByNameAndChangesNothing() throws {
            let starts = try machine.info("subject").starts
            for operation in [ControlOperation.start, .resume] {
                #expect(try machine.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            for operation in [ControlOperation.stop, .pause, .resume, .restart] {
                #expect(try machine.refusal(of: operation, "witness") == .notPermitted, "\(operation.name)")
            }
            #expect(try machine.refusal(of: .start, "witness") == .wrongState)
            #expect(try machine.refusal(of: .stop, "nobody") == .unknownPartition)
            #expect(try told().isEmpty)
            try machine.client.change(.pause, "subject")
            try machine.wait("subject") { $0.state == .paused }
            for operation in [ControlOperation.start, .pause] {
                #expect(try machine.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            try machine.client.change(.stop, "subject")
            try machine.wait("subject") { $0.state == .stopped }
            for operation in [ControlOperation.stop, .pause, .resume] {
                #expect(try machine.refusal(of: operation, "subject") == .wrongState, "\(operation.name)")
            }
            #expect(try machine.info("subject").state == .stopped && machine.info("subject").starts == starts)
            #expect(try told() == ["paused by manager", "stopping by manager", "stopped by manager"])
            try expectWitnessGoesOn()
        }

        @Test func poweringOffStopsIt() throws {
            let starts = try machine.info("subject").starts
            machine.guest("subject").type(line: "poweroff")
            try machine.guest("subject").exchange()
            let off = try machine.wait("subject") { $0.state == .stopped }
            #expect(off.cause == .poweroff && off.starts == starts)
            #expect(try told() == ["stopping by poweroff", "stopped by poweroff"])
            try expectWitnessGoesOn()
        }

        @Test func rebootingRestartsIt() throws {
            let starts = try machine.info("subject").starts
            try machine.starting("subject") { machine.guest("subject").type(line: "reboot") }
            let again = try machine.info("subject")
            #expect(again.state == .running && again.cause == .reboot && again.starts == starts + 1)
            #expect(try told() == ["stopping by reboot", "starting by reboot", "running by reboot"])
            try expectWitnessGoesOn()
        }

        @Test func aPanicRestartsIt() throws {
            let starts = try machine.info("subject").starts
            try machine.starting("subject") { machine.guest("subject").type(line: "panic") }
            let again = try machine.info("subject")
            #expect(again.state == .running && again.cause == .panic && again.starts == starts + 1)
            #expect(machine.guest("subject").lines.contains { $0.contains("Kernel panic - not syncing") })
            #expect(try told() == ["stopping by panic", "starting by panic", "running by panic"])
            try expectWitnessGoesOn()
        }

        /// The other one's policies, of the same three ends.
        @Test(.nightly) func anotherManifestMeansOtherEnds() throws {
            let starts = try machine.info("witness").starts
            machine.guest("witness").type(line: "panic")
            try machine.guest("witness").exchange()
            let crashed = try machine.wait("witness") { $0.state == .crashed }
            #expect(crashed.cause == .panic && crashed.starts == starts)
            try machine.guest("witness").exchange()
            #expect(machine.guest("witness").lines.contains { $0.contains("Kernel panic - not syncing") })
            try machine.starting("witness") { try machine.client.change(.start, "witness") }
            machine.guest("witness").type(line: "reboot")
            try machine.guest("witness").exchange()
            let off = try machine.wait("witness") { $0.state == .stopped }
            #expect(off.cause == .reboot && off.starts == starts + 1)
            try machine.starting("witness") { try machine.client.change(.start, "witness") }
            try machine.starting("witness") { machine.guest("witness").type(line: "poweroff") }
            let again = try machine.info("witness")
            #expect(again.state == .running && again.cause == .poweroff && again.starts == starts + 3)
            #expect(try told().isEmpty, "the subject is left alone")
        }
    }
}

extension ScriptedGuest {
    /// How often its user space was ready.
    fileprivate var starts: UInt64 { UInt64(lines.count { $0.hasPrefix("@bulkhead ready ") }) }
}
