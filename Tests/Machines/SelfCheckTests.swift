import ControlClient
import Foundation
import Machines
import TestKit
import Testing
import X86

extension MachineTests {
    /// Each core reads back what protects it: with a hypervisor that is built to undo each item on demand, exactly that row
    /// turns red, on that core alone; a core that does not hold what was written enters no guest.
    @Suite(.serialized, .stopsMachines) struct SelfCheck {
        nonisolated(unsafe) static let shared = Result {
            try AdversaryMachine(manifest: "faults", faults: true, Workspace.current())
        }
        let adversary: AdversaryMachine

        init() throws { adversary = try unsafe Self.shared.get() }

        /// All that an AMD core has.
        static let items: [UInt8] = Array(0...12) + [14]

        /// What each core of a partition read back after this.
        private func check(_ partition: String) throws -> [ProtectionReport] {
            let before = try adversary.client.selfCheck(partition).vcpus.map { $0 >> 32 }
            let deadline = adversary.machine.deadline(seconds: 20)
            while true {
                let words = try adversary.client.selfCheck(partition).vcpus
                if zip(words, before).allSatisfy({ $0 >> 32 > $1 }) { return words.map { ProtectionReport(word: $0) } }
                guard !deadline.isOver else { throw AdversaryError("\(partition)'s cores do not read back: \(words)") }
                Thread.sleep(forTimeInterval: 0.02)
            }
        }

        @Test func everyCoreHoldsWhatWasWritten() throws {
            for partition in ["neighbour", "hostile"] {
                let reports = try check(partition)
                #expect(reports.count == (partition == "hostile" ? 2 : 1))
                for report in reports { #expect(report.read == 0x5FFF && report.failed == 0) }
            }
            let own = ProtectionReport(word: try adversary.client.selfCheck("hostile").housekeeping)
            #expect(own.read == 0x40FF && own.failed == 0)
        }

        @Test(arguments: items) func eachRowTurnsRed(_ item: UInt8) throws {
            #expect(try adversary.attack("fault:unprotect-\(item)", seconds: 20).isDone)
            #expect(try check("hostile").map(\.failed) == [1 << UInt16(item), 0])
            #expect(try check("neighbour").map(\.failed) == [0])
            #expect(try adversary.attack("fault:unprotect-\(item)", seconds: 20).isDone)
            #expect(try check("hostile").map(\.failed) == [0, 0])
        }

        /// The last one: nothing can give the core its bit back.
        @Test func zNoGuestIsEnteredThen() throws {
            #expect(try adversary.attack("fault:unprotect-2", seconds: 20).isDone)
            try adversary.client.change(.restart, "hostile")
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .hypervisorFault)
            _ = try adversary.machine.wait(for: "is not entered: its core does not hold", seconds: 10)
            #expect(try check("neighbour").map(\.failed) == [0])
        }
    }
}
