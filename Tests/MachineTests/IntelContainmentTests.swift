import Control
import Foundation
import Testing

extension MachineTests {
    /// The containment suite on an Intel machine: the same guests, the same manifest, the same expectations.
    @Suite(.serialized, .stopsMachines) struct IntelContainment {
        nonisolated(unsafe) static let shared = Result { try Arena(manifest: "containment", on: .intel) }
        let arena: Arena

        init() throws { arena = try unsafe Self.shared.get() }

        @Test(arguments: Containment.surveys) func everyAttemptIsHeld(_ survey: (name: String, seconds: Double)) throws
        {
            try arena.everyAttemptIsHeld(survey)
        }

        @Test(arguments: Containment.ends) func itsEndIsItsOwn(_ end: (attack: String, cause: StateCause)) throws {
            try arena.itsEndIsItsOwn(end)
        }

        @Test func whatIsWrittenOutsideIsForgotten() throws { try arena.whatIsWrittenOutsideIsForgotten() }

        @Test(arguments: Containment.tries) func itIsRefusedOrStopped(_ attack: String) throws {
            try arena.itIsRefusedOrStopped(attack, seconds: 0.5)
        }

        @Test(arguments: Containment.wedges) func itCanBeStopped(_ attack: String) throws {
            try arena.itCanBeStopped(attack, seconds: 0.2)
        }
    }
}
