import Foundation
import Machines
import Testing

@testable import Installation

/// Logs of refused starts, read from disks and volumes.
@Suite struct BootLogTests {
    let disks: SlotDiskTests
    let text = Data("bulkhead: version 0.1.0\nbulkhead: refused: x\n".utf8)

    init() throws { disks = try SlotDiskTests() }

    private func put(_ content: Data, _ path: String, in folder: URL) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: file)
    }

    @Test func besideAnotherSystem() throws {
        let esp = disks.folder.appending(path: "esp")
        try put(Data(), "EFI/x", in: esp)
        #expect(try BootLogs(volume: esp.path).found.isEmpty)
        try put(text, "BULKHEAD/b/boot.log", in: esp)
        try put(Data("one".utf8), "BULKHEAD/boot.log", in: esp)
        let found = try BootLogs(volume: esp.path).found
        #expect(found.map(\.slot) == [nil, .b] && found.map(\.content) == [Data("one".utf8), text])
        #expect(found.map(\.path) == ["BULKHEAD/boot.log", "BULKHEAD/b/boot.log"])
        // What the hypervisor never makes: a hole of 1 TiB, a folder. The others are found all the same.
        let handle = try FileHandle(forWritingTo: esp.appending(path: "BULKHEAD/b/boot.log"))
        try handle.truncate(atOffset: UInt64(BootLogs.limit))
        #expect(try BootLogs(volume: esp.path).found.last?.content.count == BootLogs.limit)
        try handle.truncate(atOffset: 1 << 40)
        try handle.close()
        var logs = try BootLogs(volume: esp.path)
        #expect(logs.found.map(\.content) == [Data("one".utf8)] && logs.problems.count == 1, "\(logs.problems)")
        #expect(logs.problems.first?.contains("BULKHEAD/b/boot.log is longer than") == true)
        try FileManager.default.removeItem(at: esp.appending(path: "BULKHEAD/boot.log"))
        try put(Data(), "BULKHEAD/boot.log/x", in: esp)
        try put(text, "BULKHEAD/a/boot.log", in: esp)
        logs = try BootLogs(volume: esp.path)
        #expect(logs.found.map(\.slot) == [.a] && logs.problems.count == 2, "\(logs.problems)")
        #expect(throws: MachineError.self) { try BootLogs(volume: disks.folder.appending(path: "none").path) }
    }

    @Test func onAnImage() throws {
        let image = disks.folder.appending(path: "stick.img").path
        try Tool.run("mformat", ["-C", "-i", image, "-T", "8192", "::"])
        #expect(try BootLogs(volume: image).found.isEmpty)
        let file = disks.folder.appending(path: "text")
        func set(_ content: Data) throws {
            try content.write(to: file)
            try Tool.run("mcopy", ["-o", "-i", image, file.path, "::/BULKHEAD/boot.log"])
        }
        try Tool.run("mmd", ["-i", image, "::/BULKHEAD"])
        try set(text)
        #expect(try BootLogs(volume: image).found.map(\.content) == [text])
        try set(Data(count: BootLogs.limit))
        #expect(try BootLogs(volume: image).found.map(\.content.count) == [BootLogs.limit])
        try set(Data(count: BootLogs.limit + 1))
        let logs = try BootLogs(volume: image)
        #expect(logs.found.isEmpty && logs.problems.count == 1)
        #expect(logs.problems.first?.contains("is longer than") == true, "\(logs.problems)")
    }

    @Test func onADisk() throws {
        let disk = try disks.disk()
        #expect(try BootLogs(SlotDisk(disk)).found.isEmpty)
        func set(_ content: Data, _ slot: Slot) throws {
            let file = disks.folder.appending(path: "text")
            try content.write(to: file)
            let volume = try #require(try SlotDisk(disk).volumes[slot])
            try volume.change(.add) { image in
                _ = try? Tool.run("mmd", ["-i", image, "::/BULKHEAD"])
                try Tool.run("mcopy", ["-o", "-i", image, file.path, "::/BULKHEAD/boot.log"])
            }
        }
        try set(text, .b)
        let found = try BootLogs(SlotDisk(disk)).found
        #expect(found.map(\.slot) == [.b] && found.map(\.content) == [text])
        try set(Data(count: BootLogs.limit + 1), .a)
        let logs = try BootLogs(SlotDisk(disk))
        #expect(logs.found.map(\.slot) == [.b] && logs.problems.count == 1)
        #expect(logs.problems.first?.contains("boot.log of slot a is longer than") == true, "\(logs.problems)")
    }
}
