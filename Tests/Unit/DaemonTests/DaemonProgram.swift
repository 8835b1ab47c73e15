import Foundation
import Testing

/// `bulkheadd` as a process of its own, on a machine that is not there.
final class DaemonProgram {
    static let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/debug/bulkheadd").path
    private let process = Process()
    private let folder: TemporaryFolder

    /// Starts it with a umask and a limit of descriptors that it has to change; it has a minute for all.
    /// - Parameters:
    ///   - arguments: nil: the machine's socket in the folder.
    ///   - environment: beside what there is.
    init(_ folder: TemporaryFolder, _ arguments: [String]? = nil, environment: [String: String] = [:]) throws {
        self.folder = folder
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        let script = "umask 0; ulimit -S -n 64; exec \"$0\" \"$@\""
        process.arguments =
            ["-c", script, Self.program] + (arguments ?? ["--machine-socket", folder.path + "/link.sock"])
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let pid = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + 60) { [process] in
            if process.isRunning { Glibc.kill(pid, SIGKILL) }
        }
        // Its sockets are there once it prints what clients are given.
        let line = try output.fileHandleForReading.read(upToCount: 1)
        try #require(line?.isEmpty == false)
    }

    deinit { if process.isRunning { kill() } }

    var pid: Int32 { process.processIdentifier }
    var status: (Process.TerminationReason, Int32) { (process.terminationReason, process.terminationStatus) }

    /// Has it read its policy and certificates anew.
    func reload() { Glibc.kill(pid, SIGHUP) }

    /// Tells it to end.
    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    /// `kill -9`.
    func kill() {
        Glibc.kill(pid, SIGKILL)
        process.waitUntilExit()
    }
}
