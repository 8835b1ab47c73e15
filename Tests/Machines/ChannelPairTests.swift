import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// The guests of `bench --compare --wires` at Bulkhead's side of the comparison, which boots a KVM host that no test does.
    @Suite(.serialized, .stopsMachines, .nightly) struct ComparedChannel {
        @Test func sixtyFourFramesAtOnceAreTwoExits() throws {
            let workspace = try Workspace.current()
            try output(of: workspace.root.appending(path: "Guests/build-wire").path, [])
            let testbed = try Testbed(
                manifest: workspace.root.appending(path: "Examples/compare-wires.yaml").path, workspace,
                name: "test-compare-wires")
            defer { testbed.stop() }
            let client = testbed.watch.client
            let sender = PartitionGuest(client, partition: "sender", cores: [1], counter: nil)
            let receiver = PartitionGuest(client, partition: "receiver", cores: [2], counter: nil)
            let pair = ChannelPair(sender: sender, receiver: receiver, ioCore: nil)
            _ = try pair.join()

            // A receiver that the host does not let run for longer than two batches loses some: then again.
            var before = try client.statistics("receiver"), tries = 1
            var sent = try pair.window("frames 64 640").answer
            while sent.received != sent.count, tries < 6 {
                before = try client.statistics("receiver")
                sent = try pair.window("frames 64 640").answer
                tries += 1
            }
            let after = try client.statistics("receiver")
            #expect(sent.count == 640 && sent.received == 640)
            // Ten batches, and the two questions how many have come, each with its answer's buffers.
            let kicks = after.exits(.nmi) - before.exits(.nmi)
            #expect((1...10 + 4).contains(kicks), "\(kicks)")

            // Nothing of this goes to the other end.
            let own = try receiver.ownExits()
            #expect(try pair.window("rests 64 640").answer.received == 0)
            #expect(try receiver.ownExits() == own)
            #expect(try pair.window("pings 20").answer.received == 20)
            // What is typed is heard again behind it, though the driver took the console for a while.
            for _ in 0..<2 { #expect(try pair.window("characters 50").answer.received == 50) }
        }
    }
}
