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

        /// 64 MiB each way, as fast as it goes, by two guests of the first partition, one after the other; the second sees the first one go.
        @Test func bytesArriveAsTheyAre() throws {
            let first = machine.guest("first"), second = machine.guest("second"), size = 64 << 20
            let other = try second.wait(for: "@bulkhead port path=", seconds: 180)
            for round in 1...2 {
                let from = (first.lines.count, second.lines.count)
                if round == 2 {
                    try machine.client.change(.restart, "first")
                    try machine.wait("first", seconds: 60) { $0.state == .running && $0.starts == 2 }
                }
                let start = round == 1 ? (0, 0) : from
                let own = try first.wait(for: "@bulkhead port path=", from: start.0, seconds: 180)
                let there = try second.wait(for: "@bulkhead port-received ", from: start.1, seconds: 120)
                let back = try first.wait(for: "@bulkhead port-received ", from: start.0, seconds: 120)
                for (received, sent) in [(there, own), (back, other)] {
                    #expect(
                        received.contains(" bytes=\(size) ") && received.suffix(64) == sent.suffix(64), "\(received)")
                    print("64 MiB by a port:", received.split(separator: " ")[3])
                }
                #expect(
                    try second.wait(for: "@bulkhead port-ended ", from: start.1, seconds: 60)
                        == "@bulkhead port-ended bytes=0")
            }
            #expect(
                try second.wait(for: "@bulkhead port-again ", seconds: 60)
                    == "@bulkhead port-again Device or resource busy")
            for partition in ["first", "second"] {
                let counters = try end(partition), exits = try machine.client.statistics(partition).exits(.port)
                #expect(counters.name.string == "telemetry" && counters.bytes == 2 * size && counters.dropped == 0)
                // For each MiB that is sent or received, the boots included.
                #expect(exits < 256 * 32 && counters.kicks < 256 * 32, "\(exits) exits, \(counters.kicks) kicks")
                print(partition, "exits by port:", exits, "kicks:", counters.kicks)
            }
            #expect(try end("second").link == 0)
            #expect(try machine.client.statistics("neighbour").channels.isEmpty)
        }
    }
}
