import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// The other way round: a hostile guest with one vCPU, booted by multiboot and stopped whatever ended it, beside a
    /// neighbour with two.
    @Suite(.serialized, .stopsMachines) struct ContainmentOfTheStopped {
        nonisolated(unsafe) static let session = Result {
            try AdversarySession(on: .amd, Workspace.current(), manifest: "containment-multiboot")
        }
        let session: AdversarySession
        var adversary: AdversaryMachine { session.adversary }

        init() throws { session = try unsafe Self.session.get() }

        @Test(arguments: ["residue", "ipis", "apic", "memory", "msrs"])
        func everyAttemptSeesWhatItMust(_ command: String) throws { try session.expectAsItMustBe(command) }

        static let ends: [(attack: String, state: PartitionState, cause: StateCause)] = [
            ("triple", .crashed, .tripleFault), ("memory:fetch@above", .crashed, .violation),
            ("reset:cf9", .stopped, .reboot), ("poweroff:sleep", .stopped, .poweroff),
        ]

        @Test(arguments: ends)
        func whatEndedStaysStopped(_ end: (attack: String, state: PartitionState, cause: StateCause)) throws {
            let outcome = try adversary.attack(end.attack, seconds: 30)
            #expect(outcome.info.state == end.state, "\(outcome.info.state.name)\n\(outcome.text)")
            #expect(outcome.info.cause == end.cause, "\(outcome.info.cause.name)")
            adversary.machine.run(seconds: 0.5)
            #expect(try adversary.info("hostile").starts == outcome.info.starts, "nobody started it again")
            #expect(try adversary.neighbourProblems().isEmpty)
            try adversary.restartHostile()
            try session.expectAsItMustBe("residue")
        }
    }
}
