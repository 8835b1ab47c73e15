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
            ("host-save", 14, "error 0x3,"),
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

            let first = adversary.hostile.lines.count
            try adversary.client.change(.start, "hostile")
            try adversary.hostile.wait(for: "@ready", from: first, seconds: 30)
            #expect(try adversary.attack("cpuid", seconds: 30).isDone)
        }
    }
}
