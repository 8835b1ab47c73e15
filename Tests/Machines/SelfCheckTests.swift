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
        nonisolated(unsafe) static let amd = Result { try machine(.amd) }
        nonisolated(unsafe) static let intel = Result { try machine(.intel) }

        private static func machine(_ kind: MachineKind) throws -> AdversaryMachine {
            try AdversaryMachine(manifest: "faults", on: kind, faults: true, Workspace.current())
        }

        /// The items that a processor has; all but the IOMMUs', which these machines have not.
        private static func items(_ kind: MachineKind) -> UInt32 { kind == .amd ? 0x1_5FFF : 0x1_7FFF }
        private static let each = MachineKind.allCases.flatMap { kind in
            (UInt8(0)..<17).filter { items(kind) >> UInt32($0) & 1 == 1 }.map { (kind, $0) }
        }

        /// What each core of a partition reads back now.
        private func check(_ partition: String, _ adversary: AdversaryMachine) throws -> [ProtectionReport] {
            let limit = Duration.seconds(20 * adversary.machine.emulator.kind.slowness)
            return try adversary.client.selfCheck(partition, limit: limit).vcpus.map { ProtectionReport(word: $0) }
        }

        private func adversary(_ kind: MachineKind) throws -> AdversaryMachine {
            try unsafe (kind == .amd ? Self.amd : Self.intel).get()
        }

        @Test(arguments: MachineKind.allCases) func aCoreHoldsWhatWasWritten(_ kind: MachineKind) throws {
            let adversary = try adversary(kind)
            for partition in ["neighbour", "hostile"] {
                let reports = try check(partition, adversary)
                #expect(reports.count == (partition == "hostile" ? 2 : 1))
                for report in reports { #expect(report.read == Self.items(kind) && report.failed == 0) }
            }
            let own = ProtectionReport(word: try adversary.client.selfCheck("hostile").housekeeping)
            #expect(own.read == (kind == .amd ? 0x1_40FF : 0x1_407F) && own.failed == 0)
        }

        @Test(arguments: each) func eachRowTurnsRed(_ kind: MachineKind, _ item: UInt8) throws {
            let adversary = try adversary(kind)
            #expect(try adversary.attack("fault:unprotect-\(item)", seconds: 20).isDone)
            // What an exit of the guest's loads on Intel, one of its device model's does not: that row is red too.
            let isLoaded = kind == .intel && [0, 2, 4].contains(item)
            let failed: UInt32 = 1 << UInt32(item) | (isLoaded ? 1 << UInt32(ProtectionItem.exitState.rawValue) : 0)
            #expect(try check("hostile", adversary).map(\.failed) == [failed, 0])
            if kind == .amd { #expect(try check("neighbour", adversary).map(\.failed) == [0]) }
            #expect(try adversary.attack("fault:unprotect-\(item)", seconds: 20).isDone)
        }

        /// The last one: nothing can give the core its bit back.
        @Test(arguments: MachineKind.allCases) func zNoGuestIsEnteredThen(_ kind: MachineKind) throws {
            let adversary = try adversary(kind)
            #expect(try check("hostile", adversary).map(\.failed) == [0, 0])
            #expect(try adversary.attack("fault:unprotect-2", seconds: 20).isDone)
            try adversary.client.change(.restart, "hostile")
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .hypervisorFault)
            _ = try adversary.machine.wait(for: "a core does not hold what was written to it", seconds: 10)
            #expect(try check("neighbour", adversary).map(\.failed) == [0])
        }
    }
}
