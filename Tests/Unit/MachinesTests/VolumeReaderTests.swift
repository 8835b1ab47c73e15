import Foundation
import Testing

@testable import Machines

/// Volumes that anybody may have made, read by paths that anybody may have chosen.
@Suite final class VolumeReaderTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-reader-\(UUID().uuidString)")
    var volume: URL { folder.appending(path: "volume") }

    init() throws {
        try FileManager.default.createDirectory(
            at: volume.appending(path: "BULKHEAD/folder"), withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: folder) }

    private func words(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return ""
    }

    /// Neither by its path nor by a link does a name lead out of the folder; what is no file is not waited for.
    @Test func aFolderShowsItsOwnFilesAlone() throws {
        let files = FileManager.default, secret = folder.appending(path: "secret")
        try Data([7]).write(to: secret)
        try Data([1]).write(to: volume.appending(path: "BULKHEAD/kernel"))
        let inside = volume.appending(path: "BULKHEAD").path
        #expect(unsafe mkfifo(inside + "/pipe", 0o600) == 0)
        for (name, target) in [
            ("inside", "kernel"), ("up", "../BULKHEAD/kernel"), ("out", "../../secret"), ("zero", "/dev/zero"),
            ("etc", "/etc"), ("nowhere", "nothing"),
        ] { try files.createSymbolicLink(atPath: inside + "/" + name, withDestinationPath: target) }
        let reader = try VolumeReader(volume)
        for name in ["kernel", "inside", "up"] {
            #expect(try reader.read("BULKHEAD/" + name, atMost: 1) == Data([1]), "\(name)")
        }
        for name in ["nothing", "nowhere", "folder/nothing"] {
            #expect(try reader.read("BULKHEAD/" + name, atMost: 1) == nil, "\(name)")
        }
        for name in ["out", "zero", "etc/passwd"] {
            let found = words { _ = try reader.read("BULKHEAD/" + name, atMost: 1 << 20) }
            #expect(found.hasSuffix("is a link to what is not on the volume"), "\(name): \(found)")
        }
        for name in ["pipe", "folder"] {
            let found = words { _ = try reader.read("BULKHEAD/" + name, atMost: 1 << 20) }
            #expect(found.contains("is no file"), "\(name): \(found)")
        }
        // A hole: not a byte of it is read.
        let handle = try FileHandle(forWritingTo: volume.appending(path: "BULKHEAD/kernel"))
        try handle.truncate(atOffset: 1 << 40)
        try handle.close()
        let found = words { _ = try reader.read("BULKHEAD/kernel", atMost: 1 << 30) }
        #expect(found.contains("is longer than the 1073741824"), "\(found)")
    }

    @Test(
        arguments: [
            "../secret", "BULKHEAD/../../secret", "/etc/passwd", "BULKHEAD/./kernel", "BULKHEAD//kernel", "", ".",
            "BULKHEAD/", "BULKHEAD/k*", "BULKHEAD/[k]ernel", "BULKHEAD/?ernel", "a:b", "BULKHEAD/\u{1B}[2J", "a\n",
            "a\0b", "BULKHEAD\\kernel",
        ])
    func pathsOfNoFile(_ path: String) throws {
        #expect(!VolumeReader.isName(path))
        #expect(throws: MachineError.self) { try VolumeReader(volume).read(path, atMost: 1 << 20) }
    }

    @Test func whatIsNoVolume() throws {
        let pipe = folder.appending(path: "pipe")
        #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
        // The mark of a boot sector, and no file system.
        let sector = folder.appending(path: "sector")
        try Data([UInt8](repeating: 0, count: 510) + [0x55, 0xAA]).write(to: sector)
        for place in [sector, pipe, URL(filePath: "/dev/zero"), folder.appending(path: "none")] {
            #expect(throws: MachineError.self, "\(place.path)") { try VolumeReader(place) }
        }
    }

    /// An image with a file of 100,000 bytes.
    private func image() throws -> URL {
        let image = folder.appending(path: "image"), file = folder.appending(path: "file")
        try Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: file)
        try Tool.run("mformat", ["-C", "-i", image.path, "-T", "8192", "::"])
        try Tool.run("mcopy", ["-i", image.path, file.path, "::/file"])
        return image
    }

    /// A stick that is pulled out, or an image that another program replaces.
    @Test func whatCannotBeReadAnyMoreIsNotMissing() throws {
        let image = try image(), reader = try VolumeReader(image)
        #expect(try reader.read("nothing", atMost: 1 << 60) == nil)
        try Data(count: 4 << 20).write(to: image)
        for name in ["file", "nothing"] {
            #expect(throws: MachineError.self) { try reader.read(name, atMost: 1 << 60) }
        }
    }

    @Test func filesOfAnImage() throws {
        let image = try image(), reader = try VolumeReader(image)
        #expect(try reader.read("file", atMost: 1 << 60)?.count == 100_000)
        #expect(try reader.read("file", atMost: 100_000) == Data(contentsOf: folder.appending(path: "file")))
        #expect(try reader.read("nothing", atMost: 1 << 60) == nil)
        #expect(words { _ = try reader.read("file", atMost: 99_999) }.hasPrefix("file is longer than the 99999 bytes"))
        // What firmware starts or reads without asking whether it is hidden; an empty file; a folder, which is none.
        try Tool.run("mattrib", ["-i", image.path, "+h", "::/file"])
        try Tool.run("mmd", ["-i", image.path, "::/folder"])
        try Tool.run("mcopy", ["-i", image.path, "/dev/null", "::/folder/empty"])
        #expect(try reader.read("file", atMost: 100_000)?.count == 100_000)
        #expect(try reader.read("FOLDER/EMPTY", atMost: 0)?.isEmpty == true)
        #expect(words { _ = try reader.read("folder", atMost: 1 << 20) } == "folder is no file")
    }

    /// Of a large stick a small file is read, however little room there is for what it could have.
    @Test func noRoomIsAskedFor() throws {
        let image = try image(), handle = try FileHandle(forWritingTo: image)
        var facts = statvfs()
        #expect(unsafe statvfs(FileManager.default.temporaryDirectory.path, &facts) == 0)
        try handle.truncate(atOffset: UInt64(facts.f_bavail) * UInt64(facts.f_frsize) + 1 << 30)
        try handle.close()
        #expect(try VolumeReader(image).read("file", atMost: 1 << 60)?.count == 100_000)
    }

    /// What a program says on the way is read while it is said, and told when it fails; what it would write beyond the bound is not
    /// waited for.
    @Test(.timeLimit(.minutes(1))) func whatAProgramWrites() throws {
        func shell(_ script: String, atMost limit: Int = 1 << 20) throws -> Data {
            try Tool.content("sh", ["-c", script], atMost: limit)
        }
        #expect(try shell("head -c 300000 /dev/zero >&2; printf done") == Data("done".utf8))
        #expect(try shell("yes", atMost: 5) == Data("y\ny\ny".utf8))
        #expect(try shell("printf 12345; exit 3", atMost: 5) == Data("12345".utf8))
        #expect(
            words { _ = try shell("printf 1234; echo why >&2; exit 3", atMost: 5) } == "sh failed with status 3: why\n")
    }

    /// A chain of clusters that ends too early is that, and not a file that is too long or not there.
    @Test func aDamagedFileIsSaidToBeThat() throws {
        let image = try image()
        var content = try Data(contentsOf: image)
        let reserved = Int(content[14]), size = Int(content[22])
        for copy in 0..<Int(content[16]) {
            let start = (reserved + copy * size) * 512
            for at in start + 6..<start + size * 512 { content[at] = 0 }
        }
        try content.write(to: image)
        let found = words { _ = try VolumeReader(image).read("file", atMost: 1 << 20) }
        #expect(found.hasPrefix("mcopy failed") && !found.contains("longer"), "\(found)")
    }
}
