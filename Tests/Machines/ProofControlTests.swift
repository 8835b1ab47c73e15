import Foundation
import TestKit
import Testing

extension MachineTests {
    /// Whether the look from outside finds what it looks for: a hypervisor made for it maps a neighbour's memory where it
    /// has no business.
    @Suite(.serialized, .stopsMachines) struct ProofControl {
        nonisolated(unsafe) static let shared = Result { try BootedMachine(manifest: "faults", faults: true) }
        let machine: BootedMachine

        init() throws {
            machine = try unsafe Self.shared.get()
            try machine.guest("hostile").wait(for: "@ready", seconds: 60)
        }

        /// What the hostile guest has its hypervisor do, and what is found then and was not before.
        static let kinds: [(kind: String, table: String, what: String)] = [
            ("map", "the hypervisor's tables", "another owner's"),
            ("map-guest", "nested tables", "mapped into the guest at 20000000h"),
        ]

        @Test(arguments: kinds) func aFrameInTheWrongPlaceIsNamed(
            _ control: (kind: String, table: String, what: String)
        ) throws {
            let wrong = { (audit: Audit) in audit.findings.filter { $0.table == control.table } }
            let before = try Snapshot(machine.testbed.machine, machine.workspace, name: "proof-control").audit(
                machine.testbed)
            #expect(wrong(before.audit).isEmpty, "\(before.audit.text)")

            let hostile = machine.guest("hostile")
            let first = hostile.lines.count
            hostile.type(line: "fault:\(control.kind)")
            try hostile.wait(for: "@survived fault", from: first, seconds: 20)
            let after = try Snapshot(machine.testbed.machine, machine.workspace, name: "proof-control").audit(
                machine.testbed)
            let finding = try #require(wrong(after.audit).first { $0.core == 2 }, "\(after.audit.text)")
            #expect(finding.partition == "hostile" && finding.owner == "neighbour's memory", "\(finding)")
            #expect(finding.frames == 0x2000_0000..<0x2020_0000 && finding.what == control.what, "\(finding)")
            // Nobody else is accused.
            #expect(wrong(after.audit).allSatisfy { $0.partition == "hostile" }, "\(after.audit.text)")
        }
    }
}
