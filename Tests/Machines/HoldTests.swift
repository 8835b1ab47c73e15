import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// The waits of a physical function's reset end: the one for owners of virtual functions that do not stop, and theirs for
    /// the reset of an owner whose core is lost.
    @Suite(.stopsMachines) struct Holds {
        @Test func nobodyWaitsForEver() throws {
            let rom = try DeviceFile(bytes: 4096, header: "none")
            let booted = try BootedMachine(
                manifest: "holds", faults: true, bootFault: "h1", iommu: .vtd,
                extra: ports(["igb,romfile=\(rom.url.path)"]))
            defer { booted.testbed.stop() }
            let machine = booted.testbed.machine, hostile = booted.guest("hostile")
            try hostile.wait(for: "@ready", seconds: 60)
            try booted.wait("port") { $0.state == .running }

            // Its core stays in root mode for fifteen seconds: five are waited for, and it stops afterwards.
            func calls() throws -> UInt64 { try booted.client.statistics("hostile").vcpus[0][.hypercall] }
            let before = try calls()
            hostile.type(line: "fault:away")
            try hostile.wait(for: "@try fault:away", seconds: 20)
            let deadline = machine.deadline(seconds: 20)
            while try calls() == before, !deadline.isOver { Thread.sleep(forTimeInterval: 0.02) }
            let lines = machine.console.lines.count
            try booted.client.change(.restart, "port")
            let words =
                "partition port: an owner of virtual functions does not stop; their physical function is reset all"
            try machine.wait(for: words, from: lines, seconds: 20)
            try booted.wait("port") { $0.state == .running && $0.starts == 2 }
            let again = try booted.wait("hostile", seconds: 20) { $0.state == .running && $0.starts == 2 }
            #expect(again.cause == .physicalFunction)

            // It stops at once; then the core that resets is lost.
            _ = try booted.events(of: "hostile", from: 0)
            let first = booted.events.count
            try booted.client.change(.restart, "port")
            try booted.wait("hostile") { $0.state == .starting && $0.cause == .physicalFunction }
            try booted.wait("hostile", seconds: 60) { $0.state == .running && $0.starts == 3 }
            // By the machine's clock, whatever the host makes of a second: a reset may take so long.
            let told = try booted.events(of: "hostile", from: first)
            let began = told.first { $0.state == .starting }, ended = told.last { $0.state == .running }
            let held = try #require(ended).clockMicroseconds - #require(began).clockMicroseconds
            #expect(held > 15_000_000, "\(held) us")
            #expect(try booted.info("port").state != .running)
            #expect(machine.console.lines.dropFirst(lines).count { $0.contains("does not stop") } == 1)
        }
    }
}
