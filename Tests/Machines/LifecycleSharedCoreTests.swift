import Foundation
import Testing

extension MachineTests {
    /// On a small box, the core that answers managers runs a guest as well.
    @Suite(.serialized, .stopsMachines) struct SharedCore {
        @Test func itsGuestIsTheFirstPartition() throws {
            let machine = try BootedMachine(manifest: "shared-core")
            defer { machine.testbed.stop() }
            try machine.guest("busy").wait(for: "@bulkhead ready ", seconds: 120)
            try machine.guest("other").wait(for: "@neighbour start", seconds: 60)
            try expectLife(of: "busy", machine)
            // What happens on the other core is told and obeyed as well.
            try machine.client.change(.restart, "other")
            try machine.wait("other") { $0.state == .running && $0.starts == 2 }
            #expect(try machine.info("busy").state == .running)
        }

        /// It is the second vCPU of a partition with two.
        @Test(.nightly) func itsGuestHasAnotherCoreToo() throws {
            let machine = try BootedMachine(manifest: "shared-smp")
            defer { machine.testbed.stop() }
            try machine.guest("whole").wait(for: "@bulkhead ready ", seconds: 120)
            #expect(machine.guest("whole").lines.contains { $0.contains(" vcpus=2 ") })
            try expectLife(of: "whole", machine)
            try machine.starting("whole") { machine.guest("whole").type(line: "panic") }
            #expect(try machine.info("whole").cause == .panic)
        }

        /// The link is answered in every state of the guest, which spins on each of its cores.
        private func expectLife(of partition: String, _ machine: BootedMachine) throws {
            _ = try machine.events(of: partition, from: 0)
            let first = machine.events.count
            for _ in 0..<200 { #expect(try machine.client.hello().cores == 2) }
            let clock = try machine.clock(partition)
            try machine.client.change(.pause, partition)
            try machine.wait(partition) { $0.state == .paused }
            let exits = try machine.exits(partition)
            Thread.sleep(forTimeInterval: 1)
            #expect(try machine.exits(partition) == exits)
            try machine.client.change(.resume, partition)
            try machine.wait(partition) { $0.state == .running }
            #expect(try machine.clock(partition) > clock)
            try machine.starting(partition) { try machine.client.change(.restart, partition) }
            try machine.client.change(.stop, partition)
            try machine.wait(partition) { $0.state == .stopped }
            try machine.starting(partition) { try machine.client.change(.start, partition) }
            #expect(try machine.info(partition).starts == 3)
            let events = try machine.events(of: partition, from: first).map { "\($0.state.name)" }
            #expect(
                events == [
                    "paused", "running", "stopping", "starting", "running", "stopping", "stopped", "starting",
                    "running",
                ])
        }
    }
}
