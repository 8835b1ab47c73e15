import ControlClient
import Foundation
import LibvirtWire
import Testing

/// `bulkheadd` as a process, on a machine that is not there.
@Suite struct ProgramTests {
    private static let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/debug/bulkheadd").path

    /// Starts it with a umask and a limit of descriptors that it has to change; it has a minute for all.
    private func start(_ folder: TemporaryFolder) throws -> Process {
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        let script = "umask 0; ulimit -S -n 64; exec \"$0\" --machine-socket \"$1/link.sock\""
        process.arguments = ["-c", script, Self.program, folder.path]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let pid = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + 60) { [process] in
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

    /// Without descriptors a connection stays ready to be taken. It is tried now and then, and not all the time.
    @Test func withoutDescriptorsItDoesNotSpin() throws {
        let folder = try TemporaryFolder(), process = try start(folder), pid = process.processIdentifier
        defer {
            process.terminate()
            process.waitUntilExit()
            withExtendedLifetime(folder) {}
        }
        // The next one that it opens is one too many. Of what it opens while it starts none is left in a second.
        Thread.sleep(forTimeInterval: 1.5)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap { Int($0) }
        try limit(pid, (0...).first { !open.contains($0) } ?? 0)
        let before = try clockTicks(pid)
        let client = try ByteStream.open(folder.path + "/virtbulkheadd-sock")
        Thread.sleep(forTimeInterval: 3)
        // Hundredths of a second. With one of the machine's processors to itself it would be 300.
        let ticks = try clockTicks(pid) - before
        #expect(ticks < 30)
        // Once there are some again, it is.
        try limit(pid, 64)
        let call = Packet(PacketHeader(procedure: ProcedureNames.number("auth_list") ?? 0, type: .call, serial: 1))
        try client.send(call.encoded)
        #expect(try !client.receive(timeout: .seconds(30)).isEmpty)
    }

    /// Lets a process open descriptors below `count`.
    private func limit(_ pid: Int32, _ count: Int) throws {
        let program = Process()
        program.executableURL = URL(filePath: "/usr/bin/prlimit")
        program.arguments = ["--pid", "\(pid)", "--nofile=\(count):"]
        try program.run()
        program.waitUntilExit()
        #expect(program.terminationStatus == 0)
    }

    /// What a process has had of the processors, in hundredths of a second (proc(5), fields 14 and 15).
    private func clockTicks(_ pid: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Int($0) } ?? []
        // The name ends before the third, which is a letter.
        try #require(fields.count > 12)
        return fields[10] + fields[11]
    }
}
