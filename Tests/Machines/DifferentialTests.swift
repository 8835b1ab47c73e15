import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Sequences of instructions at random, privileged ones too, on a bare machine and in a partition of one: every
    /// register, all memory they can reach, descriptors and page tables are the same afterwards.
    @Suite(.serialized, .stopsMachines) struct Differential {
        nonisolated(unsafe) static let session = Result {
            try DifferentialSession(Workspace.current(), .amd)
        }
        /// Nightly runs take millions.
        static let count = UInt64(ProcessInfo.processInfo.environment["BULKHEAD_SEQUENCES"] ?? "") ?? 20_000

        @Test(arguments: [1, 2, 3, 4] as [UInt64]) func sequencesComeToTheSame(seed: UInt64) throws {
            let differences = try unsafe Self.session.get().compare(seed: seed, 0..<Self.count / 4)
            for difference in differences { Issue.record("\(difference)") }
        }

        /// What differs by a decision is what the table says, and all of the table was executed.
        @Test func decidedDifferencesAreThoseOfTheTable() throws {
            let table = try DifferenceTable(Workspace.current(), for: .amd)
            let found = try unsafe Self.session.get().decidedDifferences()
            #expect(found == table.rows, "\(found)")
        }
    }

    /// The same on an Intel machine. Its emulator is slow, and the sequences are few.
    @Suite(.serialized, .stopsMachines) struct IntelDifferential {
        nonisolated(unsafe) static let session = Result { try DifferentialSession(Workspace.current(), .intel) }

        @Test func sequencesComeToTheSame() throws {
            let differences = try unsafe Self.session.get().compare(seed: 5, 0..<Differential.count / 10)
            for difference in differences { Issue.record("\(difference)") }
        }

        @Test func decidedDifferencesAreThoseOfTheTable() throws {
            let table = try DifferenceTable(Workspace.current(), for: .intel)
            let found = try unsafe Self.session.get().decidedDifferences()
            #expect(found == table.rows, "\(found)")
        }
    }
}
