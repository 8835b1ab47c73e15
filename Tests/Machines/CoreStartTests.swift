import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Cores that do not hear start-up IPIs: by a hypervisor built so, whose boot volume says which core and for how long.
    @Suite(.serialized, .stopsMachines) struct CoreStarts {
        /// The machine of `faults.yaml`: the neighbour has core 1, the hostile guest cores 2 and 3, nobody core 4.
        private func boot(_ fault: String) throws -> BootedMachine {
            try BootedMachine(manifest: "core-start", faults: true, bootFault: fault)
        }

        private func giveUps(_ booted: BootedMachine) -> [String] {
            booted.testbed.machine.console.lines.filter { $0.contains("does not start") }
        }

        /// CR4 and whether it is halted, as QEMU's monitor has them.
        private func isParked(_ core: Int, _ qemu: MachineProtocol) throws -> Bool {
            let registers = try qemu.monitor("info registers -a").components(separatedBy: "CPU#")
            let own = try #require(registers.first { $0.hasPrefix("\(core)") })
            return own.contains("CR4=00000060") && own.contains("HLT=1")
        }

        @Test func oneThatHearsLateIsStartedAgain() throws {
            let booted = try boot("o2")
            try booted.guest("hostile").wait(for: "@ready", seconds: 60)
            #expect(try booted.info("neighbour").state == .running)
            #expect(giveUps(booted).isEmpty)
            let qemu = try MachineProtocol(booted.testbed.machine)
            #expect(try isParked(4, qemu), "nobody's core takes machine checks in a loop of ours")
            // Each would shut the machine down if CR4.MCE were clear, and the second one if the first were under way.
            for _ in 0..<2 { #expect(try qemu.monitor("mce 4 4 0xb200000000000000 4 0 0").isEmpty) }
            #expect(try booted.info("hostile").state == .running)
            #expect(try isParked(4, qemu))
        }

        /// The core of a secondary vCPU.
        @Test func aPartitionIsNotStartedByHalves() throws {
            let booted = try boot("n3")
            let lost = try booted.wait("hostile") { $0.state == .crashed }
            #expect(lost.cause == .coreLost && lost.starts == 0)
            #expect(giveUps(booted) == ["bulkhead: core 3 does not start"])
            let words = "partition hostile: the core of vCPU 1 does not answer"
            try booted.testbed.machine.wait(for: words, seconds: 10)
            try booted.guest("neighbour").wait(for: "@neighbour", seconds: 60)
            // A manager's wish does not change that.
            _ = try booted.events(of: "hostile", from: 0)
            let first = booted.events.count, logged = booted.testbed.machine.console.lines.count
            try booted.client.change(.start, "hostile")
            try booted.testbed.machine.wait(for: words, from: logged, seconds: 10)
            let events = try booted.events(of: "hostile", from: first)
            #expect(events.map(\.state) == [.crashed] && events.map(\.cause) == [.coreLost])
            let still = try booted.info("hostile")
            #expect(still.state == .crashed && still.cause == .coreLost && still.starts == 0)
            #expect(try booted.info("neighbour").state == .running)
            try booted.expectRecord("core lost, core 2, partition hostile, vCPU 0")
        }

        /// The core of a boot vCPU, which comes when it has been given up: what it finds is nobody's stack.
        @Test(.nightly) func oneThatComesTooLateParks() throws {
            let booted = try boot("l2")
            #expect(try booted.info("hostile").state == .crashed)
            #expect(try booted.info("hostile").cause == .coreLost)
            #expect(giveUps(booted) == ["bulkhead: core 2 does not start"])
            #expect(try booted.refusal(of: .start, "hostile") == .failed)
            try booted.guest("neighbour").wait(for: "@neighbour", seconds: 60)
            #expect(try isParked(2, MachineProtocol(booted.testbed.machine)))
            #expect(booted.testbed.machine.console.lines.allSatisfy { !$0.contains("fault in the hypervisor") })
            // Nobody waits for it in vain: it is said once.
            booted.testbed.machine.run(seconds: 12)
            let told = try booted.events(of: "hostile", from: 0)
            #expect(told.allSatisfy { $0.state == .crashed && $0.cause == .coreLost } && told.count <= 1)
            try booted.expectRecord("core lost, core 2, partition hostile")
        }
    }
}
