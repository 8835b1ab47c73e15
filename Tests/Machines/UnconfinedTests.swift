import ControlClient
import Foundation
import Machines
import TestKit
import Testing
import X86

extension MachineTests {
    /// Translation ends while guests run, as a fault of the hypervisor's housekeeping core would have it: that core sees it,
    /// says so once, and no partition that owns a function runs any more.
    @Suite(.stopsMachines) struct Unconfined {
        /// What the units' registers tell is for `VTDStateTests` and `AMDViStateTests`; what follows from it is the same.
        @Test(arguments: [EmulatedIOMMU.vtd] + Nightly.also([.amdVi]))
        func ownersOfFunctionsStopWhereNothingConfinesThem(_ kind: EmulatedIOMMU) throws {
            let booted = try BootedMachine(
                manifest: "unconfined", faults: true, iommu: kind, extra: ["-device", "edu,addr=10.0"])
            defer { booted.testbed.stop() }
            let machine = booted.testbed.machine, hostile = booted.guest("hostile")
            try hostile.wait(for: "@ready", seconds: 60)
            for partition in ["owner", "other"] { try booted.wait(partition) { $0.state == .running } }
            func report() throws -> ProtectionReport {
                ProtectionReport(word: try booted.client.selfCheck("other").housekeeping)
            }
            let remapping: UInt32 = 1 << 15
            let before = try report()
            #expect(before.read & remapping != 0 && before.failed == 0)

            hostile.type(line: "fault:unconfine-\(kind == .vtd ? "vtd" : "amd")")
            try hostile.exchange()
            // What is asked rings that core, whose guest has it otherwise.
            try booted.wait("owner") { $0.state == .stopped }
            let words = "bulkhead: an IOMMU has changed: "
            let line = try machine.wait(for: words, seconds: 20).line
            #expect(line.hasSuffix("registers at 0x\(kind == .vtd ? "fed90000" : "fed80000")"), "\(line)")
            #expect(try report().failed == remapping)
            // A manager's start does not last.
            let starts = try booted.info("owner").starts
            _ = try booted.events(of: "owner", from: 0)
            let first = booted.events.count
            try booted.client.change(.start, "owner")
            // It is stopped until its core takes the request, too.
            try booted.wait("owner") { _ in
                let states = try booted.events(of: "owner", from: first).map(\.state)
                return states.first == .starting && states.last == .stopped
            }
            #expect(try booted.info("owner").starts <= starts + 1)
            for partition in ["hostile", "other"] { #expect(try booted.info(partition).state == .running) }
            #expect(machine.console.lines.count { $0.contains(words) } == 1)
        }
    }
}
