import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What partitions share and what they leave behind, as somebody sees it who reads the machine's memory from outside:
    /// the hypervisor is asked nothing but what its ownership says.
    @Suite(.serialized, .stopsMachines) struct Proof {
        nonisolated(unsafe) static let shared = Result { try BootedMachine(manifest: "proof") }
        let machine: BootedMachine

        init() throws {
            machine = try unsafe Self.shared.get()
            try machine.guest("victim").wait(for: "@victim start", seconds: 60)
            try machine.guest("neighbour").wait(for: "@neighbour start", seconds: 60)
        }

        @Test func coresShareNothing() throws {
            let snapshot = try Snapshot(machine.testbed.machine, machine.workspace, name: "proof")
            let (ownership, audit) = try snapshot.audit(machine.testbed)
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
                // The boot vCPU has the loader's too, with the same memory behind it, and the images read-only.
                let loaders = walks.filter { $0.table == "the loader's nested tables" }
                #expect(walks.count - loaders.count == 3, "\(walks)")
                let cores = ownership.of(.core, owner: core.owner).map(\.index)
                #expect(loaders.map(\.bytes) == (core.index == cores.min() ? [UInt64(memory.count)] : []), "\(walks)")
                #expect(walks[0].bytes > UInt64(memory.count) && walks[1].bytes == UInt64(memory.count), "\(walks)")
            }
        }

        /// A secret that was typed, and kept wherever a guest can keep anything, is nowhere when the guest was stopped.
        @Test func nothingRemainsOfAStoppedGuest() throws {
            let emulated = machine.testbed.machine
            let victim = machine.guest("victim")
            let before = try Snapshot(emulated, machine.workspace, name: "proof")
            let secret = (0..<32).map { _ in UInt8.random(in: 1...254) }
            #expect(before.copies(of: secret).isEmpty)
            #expect(try machine.client.writeConsole("victim", [UInt8(ascii: "S")] + secret) == 33)
            let planted = try victim.wait(for: "@planted words=", seconds: 30)
            // It has put it into its registers last of all.
            emulated.run(seconds: 1)
            let during = try Snapshot(emulated, machine.workspace, name: "proof")
            let copies = during.copies(of: secret)
            #expect(copies.count >= 4 * 64, "\(planted)")
            for core in [2, 3] { #expect(copies.contains { $0.hasSuffix("register of core \(core)") }) }

            try machine.client.change(.stop, "victim")
            try machine.wait("victim") { $0.state == .stopped }
            let after = try Snapshot(emulated, machine.workspace, name: "proof")
            let ownership = try after.audit(machine.testbed).ownership
            #expect(after.copies(of: secret).isEmpty, "\(after.copies(of: secret, ownership).joined(separator: "\n"))")
            #expect(after.firmware.isSame(as: before.firmware), "the firmware's variables")
            for entry in ownership.of(.memory, owner: 1) { #expect(after.memory.isZero(entry.range)) }

            let first = victim.lines.count
            try machine.client.change(.start, "victim")
            let line = try victim.wait(for: "@victim start", from: first, seconds: 30)
            #expect(line.hasSuffix("clean=yes"), "\(victim.lines[first...].joined(separator: "\n"))")
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

extension BootedMachine {
    var workspace: Workspace {
        Workspace(
            root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent())
    }
}
