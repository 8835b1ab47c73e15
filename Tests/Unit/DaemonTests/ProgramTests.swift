import ControlClient
import Foundation
import LibvirtWire
import Testing

/// `bulkheadd` as a process, on a machine that is not there.
@Suite struct ProgramTests {
    private static let made = [
        "virtbulkheadd-sock", "virtbulkheadd-sock-ro", "bulkheadd.sqlite", "bulkheadd.audit", "bulkheadd.audit.head",
        "bulkheadd.reads", "bulkheadd.reads.head", "bulkheadd.events", "bulkheadd.events.head",
    ]

    @Test func whatItMakesIsItsUsersAlone() throws {
        let folder = try TemporaryFolder(), program = try DaemonProgram(folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(names).isSuperset(of: Self.made))
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/\(name)")
            let mode = attributes[.posixPermissions] as? Int
            #expect(mode.map { $0 & 0o077 } == 0, "\(name)")
        }
        // Each client takes a descriptor: as many as the system allows.
        let limits = try String(contentsOfFile: "/proc/\(program.pid)/limits", encoding: .utf8)
        let files = try #require(limits.firstMatch(of: /Max open files +([0-9]+) +([0-9]+)/))
        #expect(files.1 == files.2)
        program.end()
        #expect(program.status == (.exit, 0))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/virtbulkheadd-sock"))
    }

    /// Without descriptors a connection stays ready to be taken. It is tried now and then, and not all the time.
    @Test func withoutDescriptorsItDoesNotSpin() throws {
        let folder = try TemporaryFolder(), program = try DaemonProgram(folder), pid = program.pid
        defer { program.end() }
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
