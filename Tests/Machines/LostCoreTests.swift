import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Cores that do not come back while their guest runs: the hypervisor spins there for ever, on a guest's demand.
    @Suite(.serialized, .stopsMachines) struct LostCores {
        @Test(arguments: [0] + Nightly.also([1])) func itsPartitionEndsAlone(_ vcpu: Int) throws {
            let booted = try BootedMachine(manifest: "faults", faults: true)
            let machine = booted.testbed.machine, hostile = booted.guest("hostile")
            try hostile.wait(for: "@ready", seconds: 60)
            try booted.guest("neighbour").wait(for: "@neighbour", seconds: 60)
            hostile.type(line: vcpu == 0 ? "fault:lose-first" : "fault:lose-second")
            try hostile.wait(for: "@try fault:lose", seconds: 30)
            func exits() throws -> UInt64 { try booted.client.statistics("hostile").vcpus[1].total }
            if vcpu == 0 {
                let deadline = machine.deadline(seconds: 30)
                while try exits() < 1000, !deadline.isOver { Thread.sleep(forTimeInterval: 0.02) }
            }
            // Nobody wants anything of it yet.
            machine.run(seconds: 2)
            #expect(try booted.info("hostile").state == .running)

            let words = "partition hostile: the core of vCPU \(vcpu) does not answer"
            for (round, operation) in [ControlOperation.stop, .start].enumerated() {
                _ = try booted.events(of: "hostile", from: 0)
                let told = booted.events.count, logged = machine.console.lines.count
                try booted.client.change(operation, "hostile")
                if vcpu == 0, operation == .stop {
                    #expect(try booted.refusal(of: .pause, "hostile") == .busy, "it is not taken")
                }
                try machine.wait(for: words, from: logged, seconds: 60)
                let lost = try booted.wait("hostile") { $0.state == .crashed }
                #expect(lost.cause == .coreLost && lost.starts == 1)
                let events = try booted.events(of: "hostile", from: told)
                #expect(events.last?.state == .crashed && events.last?.cause == .coreLost, "round \(round): \(events)")
            }
            // No vCPU goes on behind the one that is lost.
            let before = try exits()
            machine.run(seconds: 1)
            #expect(try exits() == before)
            let neighbour = booted.guest("neighbour"), count = neighbour.lines.count
            neighbour.type("r")
            let line = try neighbour.wait(for: "@neighbour ticks=", from: count, seconds: 30)
            #expect(line.contains(" missed=0 ") && line.contains(" unexpected=0 "), "\(line)")
            #expect(try booted.info("neighbour").starts == 1)

            try booted.expectRecord("core lost, core \(vcpu == 0 ? 0 : 2), partition hostile")
        }

        /// The core of vCPU 0 keeps the partition's lock: vCPU 1 waits, says so, and the guest ends without a manager.
        @Test func whoWaitsForItIsHeard() throws {
            let booted = try BootedMachine(manifest: "faults", faults: true)
            try booted.guest("hostile").wait(for: "@ready", seconds: 60)
            booted.guest("hostile").type(line: "fault:lose-lock")
            try booted.guest("hostile").wait(for: "@try fault:lose-lock", seconds: 30)
            let lost = try booted.wait("hostile", seconds: 90) { $0.state == .crashed }
            #expect(lost.cause == .coreLost && lost.starts == 1)
            // The link may tell the state before the log has the line of who gave the core up.
            let machine = booted.testbed.machine, words = "vCPU 0 does not answer"
            let first = try machine.wait(for: words, seconds: 30)
            _ = try machine.wait(for: words, from: first.index + 1, seconds: 30)
            #expect(machine.console.lines.count { $0.contains(words) } == 2)
            #expect(try booted.info("neighbour").state == .running)
        }

        /// Who waits for the lock holds SMIs back no longer than anything else does, however long it is kept.
        @Test func whoWaitsForTheLockLetsSMIsIn() throws {
            let counter = try CounterPlugin(Workspace.current())
            let booted = try BootedMachine(manifest: "faults", faults: true, extra: counter.arguments)
            try booted.guest("hostile").wait(for: "@ready", seconds: 60)
            booted.guest("hostile").type(line: "fault:lock-shortly")
            try booted.guest("hostile").wait(for: "@survived fault:lock-shortly", seconds: 60)
            let held = try (2...3).map { core in try counter.report().phases.map { $0.vcpus[core].held }.max() ?? 0 }
            #expect(held[0] > 20_000 && held[1] < 20_000, "\(held)")
        }
    }
}
