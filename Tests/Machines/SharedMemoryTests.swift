import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Two real-time guests that poll a channel of shared memory: the example as it is, run.
    @Suite(.serialized, .stopsMachines) struct SharedMemory {
        nonisolated(unsafe) static let shared = Result {
            try ExampleMachine(.memoryChannel)
        }
        let example: ExampleMachine
        var machine: BootedMachine { example.booted }
        init() throws { example = try unsafe Self.shared.get() }

        /// What `demo --example memory-channel` waits for.
        @Test func theDemosStepsAreSeen() throws { try example.follow(seconds: 240) }

        /// From one line of the controller's to the next both poll, millions of times: the drive exits not once, the controller for the
        /// characters of the line.
        @Test func twoRealTimeGuestsTalkAndNobodyExits() throws {
            let controller = machine.guest("controller"), drive = machine.guest("drive")
            try drive.wait(for: "pair: second half of 512 KiB", seconds: 180)
            try controller.wait(for: "pair: trips=", seconds: 60)
            #expect(controller.lines.contains { $0.hasPrefix("pair: first half of 512 KiB") })
            let before = try exits()
            let result = try controller.wait(for: "pair: trips=", from: controller.lines.count, seconds: 120)
            let after = try exits()
            let port = Int(ExitReason.port.rawValue), typed = after[0][port] - before[0][port]
            // One to three for each (Guests/README.md), and the end of the line.
            #expect(typed <= (result.count + 2) * 4, "\(typed) of \(result)")
            var expected = before
            expected[0][port] += typed
            #expect(after == expected)
            let words = result.split(separator: " ")
            let trips = try #require(words[1].split(separator: "=").last.flatMap { Int($0) })
            // How many in five seconds is the host's: both guests poll, and it may have less than a core for each.
            #expect(trips >= 10 && words[2] == "wrong=0", "\(result)")
            let shown = try machine.client.statistics("controller").channels
            #expect(shown.count == 1 && shown[0].name.string == "setpoints" && shown[0].link == ChannelCounters.memory)
        }

        /// By partition and reason.
        private func exits() throws -> [[UInt64]] {
            try ["controller", "drive"].map { name in
                let counted = try machine.client.statistics(name)
                return (0..<UInt8(ExitReason.count)).map { ExitReason(rawValue: $0).map(counted.exits) ?? 0 }
            }
        }

        /// Each guest writes one half and only reads the other; nobody else has any of it.
        @Test func theAuditFindsTwoHalves() throws {
            try machine.guest("controller").wait(for: "pair: trips=", seconds: 180)
            let halves = try machine.auditedHalves(name: "shared-memory")
            #expect(halves.allSatisfy { $0.detail == 1 })
        }
    }
}
