import Foundation
import Testing

@testable import Machines

@Suite struct PrivateFolderTests {
    @Test func isForNobodyElseAndGoneAtTheEnd() throws {
        var places: [URL] = []
        let mode = try PrivateFolder.with { folder in
            places.append(folder)
            try Data("image".utf8).write(to: folder.appending(path: "copy"))
            return try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        }
        #expect(mode == 0o700)
        #expect(throws: MachineError.self) {
            try PrivateFolder.with { folder in
                places.append(folder)
                throw MachineError.impossible("no")
            }
        }
        #expect(places.count == 2 && places.allSatisfy { !FileManager.default.fileExists(atPath: $0.path) })
    }

    /// Whoever ends by a signal leaves nothing either.
    @Test func goesWithTheProcess() throws {
        try PrivateFolder.with { folder in
            try Data("key".utf8).write(to: folder.appending(path: "key"))
            PrivateFolder.remove([folder])
            #expect(!FileManager.default.fileExists(atPath: folder.path))
        }
    }

    /// One folder is made, in the first place that takes it, and none stays.
    @Test func theFirstPlaceThatTakesIt() throws {
        let files = FileManager.default
        let first = files.temporaryDirectory.appending(path: "bulkhead-places-\(UUID().uuidString.prefix(8))")
        defer { try? files.removeItem(at: first) }
        try files.createDirectory(at: first, withIntermediateDirectories: false)
        for places in [[first], [first.appending(path: "none"), first, files.temporaryDirectory]] {
            try PrivateFolder.with(in: places) { folder in
                let names = try files.contentsOfDirectory(atPath: first.path)
                #expect(names == [folder.lastPathComponent])
            }
            #expect(try files.contentsOfDirectory(atPath: first.path) == [])
        }
        try PrivateFolder.with(in: [first.appending(path: "none")]) { folder in
            #expect(folder.deletingLastPathComponent().path == files.temporaryDirectory.path)
        }
    }

    /// On a system with /dev/shm, or else a user's own folder in memory, no disk sees what is written.
    @Test func inMemoryWhereTheSystemHasIt() throws {
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        var places: [URL] = []
        let mode = try PrivateFolder.inMemory { folder in
            places.append(folder)
            return try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        }
        #expect(mode == 0o700 && places.allSatisfy { !FileManager.default.fileExists(atPath: $0.path) })
        if mounts.contains(" /dev/shm tmpfs "), FileManager.default.isWritableFile(atPath: "/dev/shm") {
            #expect(places.map { $0.deletingLastPathComponent().path } == ["/dev/shm"])
        }
        // The copy of a key that a program is given lies there.
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let signing = root.appending(path: "Sources/Host/SignedImages/SignBootVolume.swift")
        let text = try String(contentsOf: signing, encoding: .utf8)
        #expect(text.contains("PrivateFolder.inMemory { try secureBoot.sign(") && !text.contains("PrivateFolder.with"))
    }

    /// No tool writes what it reads from a volume to a folder that all can read.
    @Test func allTemporaryFilesLieInOne() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        for file in ["Machines/BootMedia/VolumeReader", "SignedImages/VerifiedObject", "Installation/SlotContent"] {
            let text = try String(contentsOf: root.appending(path: "Sources/Host/\(file).swift"), encoding: .utf8)
            #expect(!text.contains("temporaryDirectory"), "\(file)")
        }
    }
}
