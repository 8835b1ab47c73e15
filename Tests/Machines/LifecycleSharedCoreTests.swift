import Foundation
import Testing

extension MachineTests {
    /// On a small box, the core that answers managers runs a guest as well.
    @Suite(.serialized, .stopsMachines) struct SharedCore {
        @Test func itsGuestIsTheFirstPartition() throws {
            let yard = try Yard(manifest: "shared-core")
            defer { yard.testbed.stop() }
            try yard.guest("busy").wait(for: "@bulkhead ready ", seconds: 120)
            try yard.guest("other").wait(for: "@neighbour start", seconds: 60)
            try expectLife(of: "busy", yard)
            // What happens on the other core is told and obeyed as well.
            try yard.client.change(.restart, "other")
            try yard.wait("other") { $0.state == .running && $0.starts == 2 }
            #expect(try yard.info("busy").state == .running)
        }

        /// It is the second vCPU of a partition with two.
        @Test func itsGuestHasAnotherCoreToo() throws {
            let yard = try Yard(manifest: "shared-smp")
            defer { yard.testbed.stop() }
            try yard.guest("whole").wait(for: "@bulkhead ready ", seconds: 120)
            #expect(yard.guest("whole").lines.contains { $0.contains(" vcpus=2 ") })
            try expectLife(of: "whole", yard)
            try yard.starting("whole") { yard.guest("whole").type(line: "panic") }
            #expect(try yard.info("whole").cause == .panic)
        }

        /// The link is answered in every state of the guest, which spins on each of its cores.
        private func expectLife(of partition: String, _ yard: Yard) throws {
            _ = try yard.events(of: partition, from: 0)
            let first = yard.events.count
            for _ in 0..<200 { #expect(try yard.client.hello().cores == 2) }
            let clock = try yard.clock(partition)
            try yard.client.change(.pause, partition)
            try yard.wait(partition) { $0.state == .paused }
            let exits = try yard.exits(partition)
            Thread.sleep(forTimeInterval: 1)
            #expect(try yard.exits(partition) == exits)
            try yard.client.change(.resume, partition)
            try yard.wait(partition) { $0.state == .running }
            #expect(try yard.clock(partition) > clock)
            try yard.starting(partition) { try yard.client.change(.restart, partition) }
            try yard.client.change(.stop, partition)
            try yard.wait(partition) { $0.state == .stopped }
            try yard.starting(partition) { try yard.client.change(.start, partition) }
            #expect(try yard.info(partition).starts == 3)
            let events = try yard.events(of: partition, from: first).map { "\($0.state.name)" }
            #expect(
                events == [
                    "paused", "running", "stopping", "starting", "running", "stopping", "stopped", "starting",
                    "running",
                ])
        }
    }
}
