import Control
import Foundation
import Machines
import Testing

extension MachineTests {
    /// What partitions share and what they leave behind, as somebody sees it who reads the machine's memory from outside:
    /// the hypervisor is asked nothing but what its ledger says.
    @Suite(.serialized, .stopsMachines) struct Proof {
        nonisolated(unsafe) static let shared = Result { try Yard(manifest: "proof") }
        let yard: Yard

        init() throws {
            yard = try unsafe Self.shared.get()
            try yard.guest("keeper").wait(for: "@keeper start", seconds: 60)
            try yard.guest("neighbour").wait(for: "@neighbour start", seconds: 60)
        }

        @Test func coresShareNothing() throws {
            let snapshot = try Snapshot(yard.testbed.machine, yard.workspace, name: "proof")
            let (ledger, audit) = try snapshot.audit(yard.testbed)
            #expect(audit.findings.isEmpty, "\(audit.text)")
            // Something was looked at: every core's tables, and all of every guest's memory behind its own.
            #expect(audit.coresInRoot.contains(0) && !audit.coresInGuests.isEmpty, "\(audit.coresInRoot)")
            #expect(Set(audit.walked.keys) == [0, 1, 2, 3])
            for core in ledger.of(.core) where core.owner < 2 {
                let memory = try #require(ledger.of(.memory, owner: core.owner).first).range
                #expect(memory.count == 64 << 20)
                let walks = try #require(audit.walked[core.index])
                #expect(walks.count == 3, "\(walks)")
                #expect(walks[0].bytes > UInt64(memory.count) && walks[1].bytes == UInt64(memory.count), "\(walks)")
            }
        }
    }
}

extension Snapshot {
    /// Holds everything that the cores can reach against the ledger.
    func audit(_ testbed: Testbed) throws -> (ledger: MachineLedger, audit: Audit) {
        try audit(
            (0..<testbed.manifest.partitionCount).map { testbed.manifest.partitions[$0].name.string },
            housekeeping: testbed.manifest.housekeeping)
    }

    func audit(_ partitions: [String], housekeeping: Int) throws -> (ledger: MachineLedger, audit: Audit) {
        let ledger = try MachineLedger(memory, partitions: partitions)
        return (ledger, Audit(memory, registers, ledger, housekeepingCore: housekeeping))
    }
}

extension Audit {
    var text: String { findings.prefix(40).map(\.description).joined(separator: "\n") }
}

extension Yard {
    var workspace: Workspace {
        Workspace(
            root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent())
    }
}
