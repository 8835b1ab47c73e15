import ControlClient
import Foundation
import Machines

/// How fast bytes pass a port between two guests with Debian's own driver: one boot of the machine of `MachineTests/Port`, without the
/// counter, which makes it half as fast.
public struct PortRate: Sendable {
    /// How many bytes each end sends; they arrive as they are, or there is no rate.
    public static let bytes = 64 << 20

    /// What 64 MiB took by the receiver's clock, in steps of ten: from the first partition to the second, and back.
    public let there: Int, back: Int

    /// - Throws: `MachineError`, `ManifestRefused`, `LinkError`, `AdversaryError`.
    public init(_ workspace: Workspace, progress: @escaping @Sendable (String) -> Void = { _ in }) throws {
        try Tool.run(workspace.root.appending(path: "Guests/build-device").path, [])
        let testbed = try Testbed(
            manifest: workspace.root.appending(path: "Tests/Machines/Manifests/port.yaml").path, workspace,
            name: "bench-port", progress: progress)
        defer { testbed.stop() }
        progress("64 MiB each way by a port")
        let guests = ["first", "second"].map { ScriptedGuest($0, testbed.watch.client, on: testbed.machine) }
        let sums = try guests.map { String(try $0.wait(for: "@bulkhead port path=", seconds: 180).suffix(64)) }
        let received = try guests.reversed().map { try $0.wait(for: "@bulkhead port-received ", seconds: 240) }
        (there, back) = (
            try Self.milliseconds(received[0], sha256: sums[0]), try Self.milliseconds(received[1], sha256: sums[1])
        )
    }

    /// Of a line `@bulkhead port-received bytes=... hundredths=... sha256=...`.
    static func milliseconds(_ line: String, sha256: String) throws -> Int {
        let words = line.split(separator: " ").map { $0.split(separator: "=").last ?? "" }
        guard words.count == 5, words[2] == "\(bytes)", words[4] == sha256, let hundredths = Int(words[3]) else {
            throw MachineError.miscounted("what went by a port did not arrive: \(line)")
        }
        // What is too short for the guest's clock is one step of it.
        return max(hundredths, 1) * 10
    }
}
