import Foundation
import Testing

/// `bulkheadd` as a process, on a machine that is not there.
@Suite struct ProgramTests {
    private static let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/debug/bulkheadd").path

    /// Starts it with a umask and a limit of descriptors that it has to change; it has half a minute for all.
    private func start(_ folder: TemporaryFolder) throws -> Process {
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        let script = "umask 0; ulimit -S -n 64; exec \"$0\" --machine-socket \"$1/link.sock\""
        process.arguments = ["-c", script, Self.program, folder.path]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let pid = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + 30) { [process] in
            if process.isRunning { kill(pid, SIGKILL) }
        }
        // Its sockets are there once it prints what clients are given.
        let line = try output.fileHandleForReading.read(upToCount: 1)
        try #require(line?.isEmpty == false)
        return process
    }

    @Test func whatItMakesIsItsUsersAlone() throws {
        let folder = try TemporaryFolder(), process = try start(folder)
        defer { withExtendedLifetime(folder) {} }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(names).isSuperset(of: ["virtbulkheadd-sock", "virtbulkheadd-sock-ro", "bulkheadd.sqlite"]))
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/\(name)")
            let mode = attributes[.posixPermissions] as? Int
            #expect(mode.map { $0 & 0o077 } == 0, "\(name)")
        }
        // Each client takes a descriptor: as many as the system allows.
        let limits = try String(contentsOfFile: "/proc/\(process.processIdentifier)/limits", encoding: .utf8)
        let files = try #require(limits.firstMatch(of: /Max open files +([0-9]+) +([0-9]+)/))
        #expect(files.1 == files.2)
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/virtbulkheadd-sock"))
    }
}
