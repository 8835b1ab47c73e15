import Foundation
import Machines
import Testing

extension MachineTests {
    /// Wires between partitions, under Debian's own driver at both ends.
    @Suite(.serialized, .stopsMachines) struct Wire {
        @Test func twoPartitionsTalk() throws {
            try buildDeviceGuests()
            let machine = try BootedMachine(manifest: "wire")
            defer { machine.testbed.stop() }
            let server = machine.guest("server"), reader = machine.guest("reader")
            #expect(
                try server.wait(for: "@bulkhead link ", seconds: 180)
                    == "@bulkhead link driver=virtio_net messages=3")
            let served = try server.wait(for: "@bulkhead serve ", seconds: 120)
            #expect(
                try reader.wait(for: "@bulkhead ping ", seconds: 120) == "@bulkhead ping peer=10.9.0.2 received=20")
            let fetched = try reader.wait(for: "@bulkhead fetched ", seconds: 120)
            #expect(fetched.hasPrefix("@bulkhead fetched bytes=1048576 sha256="))
            #expect(fetched.suffix(64) == served.suffix(64))
            print(try reader.wait(for: "@bulkhead phase-end name=stream", seconds: 120))
        }
    }
}
