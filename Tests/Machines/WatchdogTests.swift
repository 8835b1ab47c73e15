import Control
import Foundation
import TestKit
import Testing

extension MachineTests {
    /// A guest that hangs ends by the manifest's policy: Debian's own driver kicks the watchdog, and nothing else tells.
    @Suite(.serialized, .stopsMachines) struct Watchdog {
        nonisolated(unsafe) static let shared = Result { try BootedMachine(manifest: "watchdog") }
        let machine: BootedMachine

        init() throws { machine = try unsafe Self.shared.get() }

        private func module(_ name: String) throws -> String {
            let guest = machine.guest("subject")
            try guest.exchange()
            let first = guest.lines.count
            guest.type(line: "module \(name)")
            return try guest.wait(for: "@bulkhead module result=", from: first, seconds: 60)
        }

        /// A stock kernel panics without a driver that says so. Its watchdog does.
        @Test(.nightly) func debiansDriverKicksItUntilTheKernelPanics() throws {
            let guest = machine.guest("subject")
            try guest.wait(for: "@bulkhead ready ", seconds: 120)
            #expect(try machine.info("subject").kicks == 0)
            for name in ["watchdog", "wdat_wdt"] { #expect(try module(name).hasSuffix("result=0"), "\(name)") }
            // The kernel kicks a watchdog that runs already until somebody opens it.
            try machine.wait("subject", seconds: 60) { $0.kicks > 3 }
            let before = try machine.info("subject")
            #expect(before.state == .running && before.starts == 1)
            _ = try machine.events(of: "subject", from: 0)
            let first = machine.events.count
            try machine.starting("subject", seconds: 180) { guest.type(line: "panic") }
            #expect(guest.lines.contains { $0.contains("Kernel panic - not syncing") })
            let after = try machine.info("subject")
            #expect(after.state == .running && after.cause == .watchdog && after.starts == 2 && after.kicks == 0)
            let told = try machine.events(of: "subject", from: first).map { "\($0.state.name) by \($0.cause.name)" }
            #expect(told == ["stopping by watchdog", "starting by watchdog", "running by watchdog"])
        }

        /// Who never kicks is started anew as often as the manifest says, then no more; a manager begins anew.
        @Test func aGuestThatNeverKicksIsStoppedAtItsLimit() throws {
            for round in UInt64(1)...2 {
                let before = try machine.info("silent")
                try machine.client.change(.start, "silent")
                // It is crashed from the round before until its core takes the request.
                let stopped = try machine.wait("silent", seconds: 120) {
                    $0.state == .crashed && $0.starts > before.starts
                }
                #expect(stopped.cause == .restartLimit && stopped.starts == 3 * round)
            }
            let causes = try machine.events(of: "silent", from: 0).map { "\($0.state.name) by \($0.cause.name)" }
            #expect(causes.count { $0 == "stopping by watchdog" } == 6)
            #expect(causes.last == "crashed by restart limit")
        }

        /// The time in which a guest stands still does not count, nor does that of one that has stopped its watchdog.
        @Test func timeStandsStillWithTheGuest() throws {
            try machine.client.change(.start, "silent")
            let running = try machine.wait("silent", seconds: 30) { $0.state == .running }
            try machine.client.change(.pause, "silent")
            try machine.wait("silent") { $0.state == .paused }
            machine.testbed.machine.run(seconds: 8)
            let paused = try machine.info("silent")
            #expect(paused.state == .paused && paused.starts == running.starts)
            try machine.client.change(.resume, "silent")
            let ended = try machine.wait("silent", seconds: 60) { $0.starts > paused.starts || $0.state == .crashed }
            #expect(ended.cause == .watchdog || ended.cause == .restartLimit)
            let guest = machine.guest("silent")
            try guest.exchange()
            let first = guest.lines.count
            // It may have started by itself just now, and is ready twice then; what it is told goes to the last.
            let before = try machine.info("silent")
            try machine.client.change(.restart, "silent")
            try machine.wait("silent") { $0.state == .running && $0.starts > before.starts }
            try guest.wait(for: "@ready", from: first, seconds: 30)
            // The attack ends with the watchdog stopped.
            guest.type(line: "watchdog")
            try guest.wait(for: "@done ", from: first, seconds: 60)
            let starts = try machine.info("silent").starts
            machine.testbed.machine.run(seconds: 8)
            let kept = try machine.info("silent")
            #expect(kept.state == .running && kept.starts == starts && kept.kicks > 50_000)
        }
    }
}
