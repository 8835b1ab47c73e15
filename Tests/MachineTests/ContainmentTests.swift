import Control
import Foundation
import Testing

extension MachineTests {
    /// One guest attacks, the other must not notice. The attacks are guests of our own, in Tests/Adversary.
    @Suite(.serialized, .stopsMachines) struct Containment {
        nonisolated(unsafe) static let shared = Result { try Arena(manifest: "containment") }
        let arena: Arena

        init() throws { arena = try unsafe Self.shared.get() }

        /// Attacks that the guest survives and judges itself.
        static let surveys: [(name: String, seconds: Double)] = [
            ("residue", 30), ("cpuid", 60), ("instructions", 240), ("registers", 60), ("msrs", 240), ("ports", 400),
            ("port-strings", 30), ("apic", 60), ("ipis", 120), ("own-ipis", 60), ("storms", 120), ("memory", 120),
        ]

        @Test(arguments: surveys) func everyAttemptIsHeld(_ survey: (name: String, seconds: Double)) throws {
            let outcome = try arena.attack(survey.name, seconds: survey.seconds)
            #expect(outcome.isDone && !outcome.wasRestarted, "the guest ends by itself:\n\(outcome.text)")
            #expect(outcome.attempts.count >= 2, "\(outcome.text)")
            #expect(outcome.escaped.isEmpty, "\(outcome.lines.joined(separator: "\n"))")
            #expect(try arena.neighbourProblems().isEmpty)
            if !outcome.isDone { try arena.restartHostile() }
        }

        /// What ends the guest, and the cause that a manager is told.
        static let ends: [(attack: String, cause: StateCause)] = [
            ("triple", .tripleFault), ("triple:stack", .tripleFault), ("triple:map", .tripleFault),
            ("triple:second", .tripleFault), ("memory:table@hole", .tripleFault), ("memory:fetch@hole", .violation),
            ("memory:fetch@above", .violation), ("memory:fetch@4g", .violation), ("memory:fetch@39", .violation),
            ("reset:cf9", .reboot), ("reset:cf9-full", .reboot), ("reset:keyboard", .reboot), ("reset:fadt", .reboot),
            ("reset:rom", .reboot), ("reset:triple", .tripleFault), ("reset:init-self", .reboot),
            ("reset:init-all", .reboot), ("reset:init-broadcast", .reboot), ("poweroff:sleep", .poweroff),
            ("poweroff:fadt", .poweroff),
        ]

        @Test(arguments: ends) func itsEndIsItsOwn(_ end: (attack: String, cause: StateCause)) throws {
            let outcome = try arena.attack(end.attack, seconds: 30)
            #expect(outcome.wasRestarted, "\(outcome.text)")
            #expect(outcome.info.cause == end.cause, "\(outcome.info.cause.name)")
            let after = try arena.attack("residue", seconds: 30)
            #expect(after.isDone && after.escaped.isEmpty, "memory is cleared before a restart:\n\(after.text)")
            #expect(try arena.neighbourProblems().isEmpty)
        }

        @Test func whatIsWrittenOutsideIsForgotten() throws {
            for _ in 0..<2 {
                let outcome = try arena.attack("residue-outside", seconds: 30)
                #expect(outcome.escaped.isEmpty, "\(outcome.text)")
                if !outcome.wasRestarted { try arena.restartHostile() }
            }
            #expect(try arena.neighbourProblems().isEmpty)
        }

        /// What may end the guest, or fault, or do nothing; never more.
        static let tries =
            ["read", "write", "atomic", "string", "stack", "walk"].flatMap { kind in
                ["above", "lapic", "4g", "39", "47"].map { "memory:\(kind)@\($0)" }
            } + ["read", "write", "atomic", "string"].map { "memory:\($0)@straddle" }
            + ["hole", "above", "lapic", "4g"].map { "port-string-outside:\($0)" }
            + [
                "paging", "protection", "pae", "la57", "lme", "lma", "efer-zero", "efer-ones", "all-zero",
                "not-write-through", "vmxe", "cr4-ones", "cr4-high", "cr3-high", "cr3-outside",
            ].map { "mode:\($0)" }
            + ["fast", "cf9-wide", "startup-self"].map { "reset:\($0)" }
            + ["pm1", "pm1-0", "bochs", "old-qemu", "virtualbox", "cloud", "debug-exit", "other-states"].map {
                "poweroff:\($0)"
            }

        @Test(arguments: tries) func itIsRefusedOrStopped(_ attack: String) throws {
            let outcome = try arena.attack(attack, seconds: 10)
            #expect(outcome.escaped.isEmpty, "\(outcome.text)")
            #expect(outcome.isDone || outcome.wasRestarted || attack.hasPrefix("mode:"), "\(outcome.text)")
            #expect(outcome.info.cause != .hypervisorFault, "\(outcome.text)")
            #expect(try arena.neighbourProblems().isEmpty)
            // Without paging, the guest may run on into nothing.
            if !outcome.isDone && !outcome.wasRestarted { try arena.restartHostile() }
        }

        /// Guests that never come back: they can still be paused, resumed and started anew. Not `wedge:debug`, the #DB
        /// that is delivered for ever: it ends QEMU 10.0 itself with a failed assertion, and so is for silicon.
        static let wedges =
            ["cli", "tpr", "hlt", "exits", "apic-off", "clgi"].map { "spin:\($0)" }
            + ["undefined", "timer", "console", "icr", "wbinvd", "sipi-anywhere"].map { "wedge:\($0)" } + ["panic"]

        @Test(arguments: wedges) func itCanBeStopped(_ attack: String) throws {
            let outcome = try arena.attack(attack, seconds: 1.5)
            #expect(outcome.info.cause != .hypervisorFault, "\(outcome.text)")
            #expect(try arena.neighbourProblems().isEmpty)
            if try arena.info("hostile").state == .running {
                try arena.client.change(.pause, "hostile")
                try arena.wait(for: .paused, "hostile")
                try arena.client.change(.resume, "hostile")
                try arena.wait(for: .running, "hostile")
            }
            try arena.restartHostile()
            #expect(try arena.neighbourProblems().isEmpty)
            let after = try arena.attack("cpuid", seconds: 30)
            #expect(after.isDone && after.escaped.isEmpty, "\(after.text)")
        }
    }
}
