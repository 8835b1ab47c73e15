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
            try arena.everyAttemptIsHeld(survey)
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
            try arena.itsEndIsItsOwn(end)
        }

        @Test func whatIsWrittenOutsideIsForgotten() throws {
            try arena.whatIsWrittenOutsideIsForgotten()
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
            try arena.itIsRefusedOrStopped(attack, seconds: 10)
        }

        /// Guests that never come back: they can still be paused, resumed and started anew. Not `wedge:debug`, the #DB
        /// that is delivered for ever: it ends QEMU 10.0 itself with a failed assertion, and so is for silicon.
        static let wedges =
            ["cli", "tpr", "hlt", "exits", "apic-off", "clgi"].map { "spin:\($0)" }
            + ["undefined", "timer", "console", "icr", "wbinvd", "sipi-anywhere"].map { "wedge:\($0)" } + ["panic"]

        @Test(arguments: wedges) func itCanBeStopped(_ attack: String) throws {
            try arena.itCanBeStopped(attack, seconds: 1.5)
        }
    }
}
