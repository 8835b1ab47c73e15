import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Faults of the hypervisor itself (law 8), injected into a build made for it: they are named on the log and end one
    /// partition, whose guest a manager can start again.
    @Suite(.serialized, .stopsMachines) struct Faults {
        nonisolated(unsafe) static let shared = Result {
            try AdversaryMachine(manifest: "faults", faults: true, Workspace.current())
        }
        let adversary: AdversaryMachine

        init() throws { adversary = try unsafe Self.shared.get() }

        /// Exception 6 is a trap of Swift's own, 14 an access outside the core's page tables, 8 a stack that overflowed.
        static let kinds: [(kind: String, vector: Int, words: String)] = [
            ("trap", 6, "injectFault"), ("program", 14, "injectFault"), ("stack", 8, "injectFault"),
            ("neighbour", 14, "address 0x20000000"), ("locked", 6, "injectFault"),
            ("boot-code", 14, "which Tools/text-order took for boot code"),
            // Stray writes (error 3: present, write) to what never changes: the tables are what they were.
            ("own-tables", 14, "error 0x3,"), ("nested-tables", 14, "error 0x3,"), ("step-tables", 14, "error 0x3,"),
            ("context", 14, "error 0x3,"), ("constants", 14, "error 0x3,"), ("segments", 14, "error 0x3,"),
            ("host-save", 14, "error 0x3,"), ("watch-tables", 14, "error 0x3,"),
            ("unprotected", 6, "injectFault"),
        ]

        @Test(arguments: kinds) func aFaultEndsItsOwnPartitionAlone(
            _ fault: (kind: String, vector: Int, words: String)
        ) throws {
            let logged = adversary.machine.console.lines.count
            let outcome = try adversary.attack("fault:\(fault.kind)", seconds: 20)
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .hypervisorFault, "\(outcome.text)")
            #expect(try adversary.neighbourProblems().isEmpty)
            let named = "fault in the hypervisor: core 2, partition hostile, vector \(fault.vector),"
            let line = try adversary.machine.wait(for: named, from: logged, seconds: 10).line
            #expect(line.contains(fault.words), "\(line)")
            try expectStart()
        }

        /// The core of vCPU 0 keeps the partition's lock for 14 seconds, for which vCPU 1's waits ten: that one says whose core it
        /// was, and the guest ends when it is back.
        @Test func aCoreThatKeepsTheLockIsNamed() throws {
            let logged = adversary.machine.console.lines.count
            adversary.hostile.type(line: "fault:lock-kept")
            try adversary.hostile.exchange()
            let words = "partition hostile: the core of vCPU 0 does not answer"
            try adversary.machine.wait(for: words, from: logged, seconds: 40)
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .coreLost)
            #expect(adversary.machine.console.lines.dropFirst(logged).count { $0.contains("does not answer") } == 1)
            // What comes behind an end has a cause of its own.
            let error = "mce 2 4 0xb200000000000000 4 0 0"
            #expect(try MachineProtocol(adversary.machine).monitor(error).isEmpty)
            let deadline = adversary.machine.deadline(seconds: 10)
            while try adversary.info("hostile").cause != .machineCheck, !deadline.isOver {
                Thread.sleep(forTimeInterval: 0.02)
            }
            #expect(try adversary.info("hostile").cause == .machineCheck)
            #expect(try adversary.neighbourProblems().isEmpty)
            try expectStart()
        }

        /// A core that faults whenever it looks at its partition's images: three times, and again when a manager asks, not for
        /// ever. The images are not blamed.
        @Test func aLookAtImagesThatFaultsIsBounded() throws {
            let booted = try BootedMachine(manifest: "core-start", faults: true, bootFault: "v2")
            func faults() -> Int {
                booted.testbed.machine.console.lines.count {
                    $0.contains("fault in the hypervisor: core 2, partition hostile, vector 6")
                }
            }
            func expect(_ count: Int) throws {
                let deadline = booted.testbed.machine.deadline(seconds: 60)
                while faults() < count, !deadline.isOver { Thread.sleep(forTimeInterval: 0.05) }
                let lost = try booted.wait("hostile") { $0.state == .crashed }
                #expect(lost.cause == .hypervisorFault && lost.starts == 0)
                booted.testbed.machine.run(seconds: 2)
                #expect(faults() == count)
            }
            try booted.guest("neighbour").wait(for: "@neighbour", seconds: 60)
            try expect(3)
            try booted.client.change(.start, "hostile")
            try expect(6)
            #expect(try booted.info("neighbour").state == .running)
        }

        /// A device model that its guest has taken over reaches nobody, and what it cannot go on after ends its guest.
        @Test(arguments: ["neighbour", "program", "port", "cpuid", "tables"]) func aModelThatIsTakenOverEndsItsGuest(
            _ kind: String
        ) throws {
            let logged = adversary.machine.console.lines.count
            _ = try adversary.attack("fault:model-\(kind)", seconds: 20)
            let words = "partition hostile, vCPU 0: its device model ended, exit code"
            try adversary.machine.wait(for: words, from: logged, seconds: 20)
            try adversary.wait(for: .running, "hostile")
            #expect(try adversary.info("hostile").cause == .violation)
            #expect(try adversary.neighbourProblems().isEmpty)
            #expect(try adversary.attack("cpuid", seconds: 30).isDone)
        }

        /// One that never comes back holds up its own guest alone; so does one that says ones in everything that root mode reads of
        /// it, rings too. A manager stops both.
        @Test(arguments: ["spins", "garbage"]) func aModelThatIsTakenOverIsStopped(_ kind: String) throws {
            adversary.hostile.type(line: "fault:model-\(kind)")
            try adversary.hostile.exchange()
            adversary.machine.run(seconds: 3)
            #expect(try adversary.neighbourProblems().isEmpty)
            try adversary.client.change(.stop, "hostile")
            try adversary.wait(for: .stopped, "hostile")
            #expect(try adversary.neighbourProblems().isEmpty)
            try expectStart()
        }

        private func expectStart() throws {
            let first = adversary.hostile.lines.count
            try adversary.client.change(.start, "hostile")
            try adversary.hostile.wait(for: "@ready", from: first, seconds: 30)
            #expect(try adversary.attack("cpuid", seconds: 30).isDone)
        }
    }
}
