import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Ports between partitions, under Debian's own driver at both ends.
    @Suite(.serialized, .stopsMachines) struct Port {
        nonisolated(unsafe) static let shared = Result {
            try buildDeviceGuests()
            return try BootedMachine(manifest: "port")
        }
        let machine: BootedMachine
        init() throws { machine = try unsafe Self.shared.get() }

        /// One end's counters.
        private func end(_ partition: String) throws -> ChannelCounters {
            try #require(try machine.client.statistics(partition).channels.first)
        }

        /// 64 MiB each way, as fast as it goes.
        @Test func bytesArriveAsTheyAre() throws {
            let first = machine.guest("first"), second = machine.guest("second"), size = 64 << 20
            for (from, to) in [(first, second), (second, first)] {
                let sent = try from.wait(for: "@bulkhead port path=", seconds: 180)
                let received = try to.wait(for: "@bulkhead port-received ", seconds: 180)
                #expect(received.contains(" bytes=\(size) ") && received.suffix(64) == sent.suffix(64), "\(received)")
                print("64 MiB by a port:", received.split(separator: " ")[3])
            }
            for partition in ["first", "second"] {
                let counters = try end(partition)
                #expect(counters.name.string == "telemetry" && counters.bytes == size && counters.dropped == 0)
                let exits = try machine.client.statistics(partition)
                let counts = (0..<UInt8(ExitReason.count)).compactMap { ExitReason(rawValue: $0) }
                    .map { "\($0)=\(exits.exits($0))" }
                print(partition, "frames", counters.frames, "kicks", counters.kicks, counts.joined(separator: " "))
            }
            #expect(try machine.client.statistics("neighbour").channels.isEmpty)
        }
    }
}
