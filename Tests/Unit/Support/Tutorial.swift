import Foundation

/// A page under Documentation/tutorials, made in a folder by its own text.
public final class Tutorial {
    public let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tutorial-\(UUID().uuidString)")
    private let blocks: [String]
    private let root: URL

    public struct Failed: Error, CustomStringConvertible {
        public var description: String
    }

    /// - Parameter root: the checkout.
    public init(_ name: String, root: URL) throws {
        self.root = root
        let page = try String(
            contentsOf: root.appending(path: "Documentation/tutorials/\(name).md"), encoding: .utf8)
        blocks = page.matches(of: /(?s)```sh\n(.*?)```/).map { String($0.1) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "bin"), withIntermediateDirectories: true)
        let tool = folder.appending(path: "bin/bulkhead")
        try Data("#!/bin/sh\nexec '\(root.path)/.build/debug/CLI' \"$@\"\n".utf8).write(to: tool)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool.path)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Runs the page's blocks but those that boot a machine; what they print.
    public func run() throws -> String {
        let text = blocks.filter { !$0.contains("bulkhead demo") }.joined()
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-euo", "pipefail", "-c", "PATH=\"$PWD/bin:$PATH\"\n" + text]
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(["BULKHEAD_HOME": root.path]) { $1 }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(description: printed) }
        return printed
    }
}
