import Control
import Foundation
import Testing

extension MachineTests {
    /// One guest attacks, the other must not notice. The attacks are guests of our own, in Tests/Adversary.
    @Suite(.serialized) struct Containment {
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
            ("reset:cf9", .reboot), ("reset:cf9-full", .reboot), ("reset:keyboard", .reboot), ("reset:fadt", .reboot),
            ("reset:rom", .reboot), ("reset:triple", .tripleFault), ("reset:init-self", .reboot),
            ("reset:init-broadcast", .reboot), ("poweroff:sleep", .poweroff), ("poweroff:fadt", .poweroff),
        ]

        @Test(arguments: ends) func itsEndIsItsOwn(_ end: (attack: String, cause: StateCause)) throws {
            let outcome = try arena.attack(end.attack, seconds: 30)
            #expect(outcome.wasRestarted, "\(outcome.text)")
            #expect(outcome.info.cause == end.cause, "\(outcome.info.cause.name)")
            let after = try arena.attack("residue", seconds: 30)
            #expect(after.isDone && after.escaped.isEmpty, "memory is cleared before a restart:\n\(after.text)")
            #expect(try arena.neighbourProblems().isEmpty)
        }
    }
}
