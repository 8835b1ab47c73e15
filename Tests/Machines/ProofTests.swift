import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What partitions share and what they leave behind, as somebody sees it who reads the machine's memory from outside:
    /// the hypervisor is asked nothing but what its ownership says.
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
            let (ownership, audit) = try snapshot.audit(yard.testbed)
            #expect(audit.findings.isEmpty, "\(audit.text)")
            // Boot code and the other vendor's, which no core maps, are zeroes; what stays is less than half.
            let erased = ownership.of(.erased).map(\.range.count), kept = ownership.of(.text).map(\.range.count)
            #expect(erased.count == 2 && kept.count == 2)
            #expect(erased.reduce(0, +) > kept.reduce(0, +), "\(erased) \(kept)")
            // Something was looked at: every core's tables, and all of every guest's memory behind its own.
            #expect(audit.coresInRoot.contains(0) && !audit.coresInGuests.isEmpty, "\(audit.coresInRoot)")
            #expect(Set(audit.walked.keys) == [0, 1, 2, 3])
            for core in ownership.of(.core) where core.owner < 2 {
                let memory = try #require(ownership.of(.memory, owner: core.owner).first).range
                #expect(memory.count == 64 << 20)
                let walks = try #require(audit.walked[core.index])
                #expect(walks.count == 3, "\(walks)")
                #expect(walks[0].bytes > UInt64(memory.count) && walks[1].bytes == UInt64(memory.count), "\(walks)")
            }
        }

        /// A secret that was typed, and kept wherever a guest can keep anything, is nowhere when the guest was stopped.
        @Test func nothingRemainsOfAStoppedGuest() throws {
            let machine = yard.testbed.machine
            let keeper = yard.guest("keeper")
            let before = try Snapshot(machine, yard.workspace, name: "proof")
            let secret = (0..<32).map { _ in UInt8.random(in: 1...254) }
            #expect(before.copies(of: secret).isEmpty)
            #expect(try yard.client.writeConsole("keeper", [UInt8(ascii: "S")] + secret) == 33)
            let planted = try keeper.wait(for: "@planted words=", seconds: 30)
            // It has put it into its registers last of all.
            machine.run(seconds: 1)
            let during = try Snapshot(machine, yard.workspace, name: "proof")
            let copies = during.copies(of: secret)
            #expect(copies.count >= 4 * 64, "\(planted)")
            for core in [2, 3] { #expect(copies.contains { $0.hasSuffix("register of core \(core)") }) }

            try yard.client.change(.stop, "keeper")
            try yard.wait("keeper") { $0.state == .stopped }
            let after = try Snapshot(machine, yard.workspace, name: "proof")
            let ownership = try after.audit(yard.testbed).ownership
            #expect(after.copies(of: secret).isEmpty, "\(after.copies(of: secret, ownership).joined(separator: "\n"))")
            #expect(after.firmware.isSame(as: before.firmware), "the firmware's variables")
            for entry in ownership.of(.memory, owner: 1) { #expect(after.memory.isZero(entry.range)) }

            let first = keeper.lines.count
            try yard.client.change(.start, "keeper")
            let line = try keeper.wait(for: "@keeper start", from: first, seconds: 30)
            #expect(line.hasSuffix("clean=yes"), "\(keeper.lines[first...].joined(separator: "\n"))")
        }
    }
}

extension Snapshot {
    /// Holds everything that the cores can reach against the ownership.
    func audit(_ testbed: Testbed) throws -> (ownership: OwnershipReader, audit: Audit) {
        try audit(
            (0..<testbed.manifest.partitionCount).map { testbed.manifest.partitions[$0].name.string },
            housekeeping: testbed.manifest.housekeeping)
    }

    func audit(_ partitions: [String], housekeeping: Int) throws -> (ownership: OwnershipReader, audit: Audit) {
        let ownership = try OwnershipReader(memory, partitions: partitions)
        var audit = Audit(memory, registers, ownership, housekeepingCore: housekeeping)
        for unit in units { audit.check(unit) }
        return (ownership, audit)
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
