import Foundation
import Machines
import Testing

extension MachineTests {
    /// Two machines, and a network between their cards that somebody captures.
    @Suite(.serialized, .stopsMachines, .nightly) struct Transit {
        @Test func theNetworkBetweenTwoMachinesReadsNothingOfTheTunnel() throws {
            try Example.wireGuard.buildGuests(.current())
            let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-transit-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(at: folder) }
            let port = try ExampleOutside(folder: folder).port, capture = folder.appending(path: "capture")
            func boot(_ side: String, _ network: String, _ more: [String] = []) throws -> BootedMachine {
                try BootedMachine(
                    manifest: "transit-\(side)", iommu: .vtd,
                    extra: ["-netdev", "socket,id=net,\(network)=127.0.0.1:\(port)"] + ports(["e1000e,netdev=net"])
                        + more)
            }
            let left = try boot("left", "listen", ["-object", "filter-dump,id=dump,netdev=net,file=\(capture.path)"])
            defer { left.testbed.stop() }
            let right = try boot("right", "connect")
            defer { right.testbed.stop() }
            let alice = left.guest("peer"), bob = right.guest("peer")
            // Who has said its key hears another's.
            let keys = try [alice, bob].map { try $0.wait(for: "@bulkhead key public=", seconds: 120) }
            for (key, other) in zip(keys, [bob, alice]) {
                other.type(line: String(key.dropFirst("@bulkhead key public=".count)))
                try other.exchange()
            }
            for guest in [alice, bob] { try guest.wait(for: "@bulkhead tunnel ", seconds: 60) }
            // What finds the second would find the first.
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            for (way, text) in [("tunnel", secret), ("clear", clear)] {
                alice.type(line: "\(way) \(text)")
                try alice.wait(for: "@bulkhead sent by=\(way)", seconds: 60)
                try bob.wait(for: "@bulkhead received by=\(way) text=\(text)", seconds: 60)
            }
            let captured = try Data(contentsOf: capture)
            #expect(captured.range(of: Data(secret.utf8)) == nil)
            #expect(captured.range(of: Data(clear.utf8)) != nil)
        }
    }
}
