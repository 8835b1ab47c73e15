import ControlClient
import Foundation
import Machines

/// The counter of `Tools/Counter`: built when it is out of date, loaded by one emulator, asked over its socket.
public final class CounterPlugin {
    private let plugin: URL
    private let folder: URL
    private var socket: URL { folder.appending(path: "counter") }

    /// - Throws: `MachineError.program` when the plugin cannot be built.
    public init(_ workspace: Workspace) throws {
        plugin = workspace.cache.appending(path: "counter.so")
        try Tool.run(workspace.root.appending(path: "Tools/Counter/build").path, [])
        folder = FileManager.default.temporaryDirectory.appending(
            path: "bulkhead-counter-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// For the command line of the emulator.
    public var arguments: [String] { ["-plugin", "\(plugin.path),socket=\(socket.path)"] }

    /// Builds the guests of our own and boots a machine of `Tools/Counter` under the counter, by the name of its manifest.
    /// - Throws: `ManifestRefused`, `MachineError`.
    func boot(
        _ name: String, _ workspace: Workspace, _ progress: @escaping @Sendable (String) -> Void
    ) throws -> Testbed {
        try Tool.run(workspace.root.appending(path: "Tests/Guests/build").path, [])
        return try Testbed(
            manifest: workspace.root.appending(path: "Tools/Counter/\(name).yaml").path, workspace, name: name,
            extra: arguments, progress: progress)
    }

    /// What was counted so far; counting goes on.
    /// - Throws: `LinkError`, `DecodingError`, `MachineError.miscounted`.
    public func report() throws -> CounterReport {
        let line = try ByteStream.open(socket.path)
        try line.send(Array("report\n".utf8))
        var text: [UInt8] = []
        reading: while true {
            do {
                let bytes = try line.receive(timeout: .seconds(300))
                guard !bytes.isEmpty else { throw MachineError.miscounted("the counter does not answer") }
                text += bytes
            } catch LinkError.closed {
                // The end of the answer.
                break reading
            }
        }
        return try CounterReport(json: Data(text))
    }
}
