import Foundation
import Machines
import Testing

@testable import Installation

/// What is opened before it is written, and who else may have it.
@Suite final class SectorFileTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-sector-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    @Test func aNewImage() throws {
        do {
            let file = try SectorFile(new: path("disk.img"), size: 1 << 20)
            #expect(file.size == 1 << 20)
            #expect(throws: MachineError.self) { try SectorFile(new: self.path("disk.img"), size: 1 << 20) }
        }
        // A name that leads to something else is not followed.
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("elsewhere"))
        #expect(throws: MachineError.self) { try SectorFile(new: self.path("link"), size: 512) }
        #expect(!FileManager.default.fileExists(atPath: path("elsewhere")))
    }

    /// A disk that is not plugged in: no file in its place, by whatever name.
    @Test func noFilesAmongDevices() throws {
        let name = "bulkhead-\(UUID().uuidString)"
        try FileManager.default.createSymbolicLink(atPath: path("devices"), withDestinationPath: "/dev")
        try FileManager.default.createSymbolicLink(atPath: path("disk"), withDestinationPath: "/dev/\(name)")
        for place in ["/dev/\(name)", path("devices/\(name)"), path("disk"), "/sys/\(name)", "/dev/../dev/\(name)"] {
            #expect(throws: MachineError.self, "\(place)") { try SectorFile(new: place, size: 512) }
        }
        #expect(!FileManager.default.fileExists(atPath: "/dev/\(name)"))
        #expect(throws: MachineError.self) { try SafeFile.requirePlace(URL(filePath: "/dev/\(name)")) }
    }

    @Test func onlyOneWrites() throws {
        try Data(count: 4096).write(to: URL(filePath: path("disk.img")))
        do {
            let first = try SectorFile(path("disk.img"), isWritable: true)
            #expect(throws: MachineError.self) { try SectorFile(self.path("disk.img"), isWritable: true) }
            #expect(throws: MachineError.self) { try SectorFile(self.path("disk.img"), isWritable: false) }
            try first.write(512, Data([1]))
        }
        let reader = try SectorFile(path("disk.img"), isWritable: false)
        #expect(try reader.read(512, 1) == Data([1]))
        #expect(try SectorFile(path("disk.img"), isWritable: false).size == reader.size)
    }

    /// An emulator's lock, as QEMU holds it on an image that it runs from.
    @Test func anImageInUse() throws {
        try Data(count: 4096).write(to: URL(filePath: path("disk.img")))
        let descriptor = unsafe open(path("disk.img"), O_RDWR | O_CLOEXEC)
        var lock = Glibc.flock()
        (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (Int16(F_RDLCK), Int16(SEEK_SET), 100, 1)
        #expect(unsafe fcntl(descriptor, 37, &lock) == 0)
        #expect(throws: MachineError.self) { try SectorFile(self.path("disk.img"), isWritable: true) }
        // A program that another test is just starting may have the descriptor too: closed here alone, it would hold the lock.
        lock.l_type = Int16(F_UNLCK)
        #expect(unsafe fcntl(descriptor, 37, &lock) == 0)
        close(descriptor)
        _ = try SectorFile(path("disk.img"), isWritable: true)
    }

    @Test func whatIsNoDisk() throws {
        #expect(unsafe mkfifo(path("pipe"), 0o600) == 0)
        for place in [folder.path, path("pipe"), path("absent"), "/dev/null"] {
            #expect(throws: MachineError.self, "\(place)") { try SectorFile(place, isWritable: false) }
        }
        #expect(SectorFile.obstacle(sectorSize: 512) == nil && SectorFile.obstacle(sectorSize: 4096) != nil)
    }

    /// Pages that are remembered would hide what the disk has lost.
    @Test func whatIsForgotten() throws {
        // In the checkout: a file system in memory has nothing else to read from.
        let place = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../.build").standardized
            .appending(path: "bulkhead-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        let file = try SectorFile(new: place.path, size: 1 << 20)
        try file.write(0, Data(repeating: 7, count: 1 << 20))
        try file.flush()
        func remembered() throws -> Bool {
            try Tool.run("fincore", ["-n", "-b", "-o", "RES", place.path]).contains { "123456789".contains($0) }
        }
        #expect(try remembered())
        try file.forget()
        #expect(try !remembered())
        #expect(try file.read(0, 512) == Data(repeating: 7, count: 512))
    }

    /// Who uses a disk, on a recorded machine.
    @Test func users() throws {
        func put(_ path: String, _ text: String) throws {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let disk = "sys/devices/pci/block/sda"
        try put("\(disk)/device/model", "A \u{1B}[5mstick\n")
        for part in ["sda1", "sda2"] { try put("\(disk)/\(part)/partition", "1") }
        try put("\(disk)/sda1/dev", "8:1\n")
        try put("proc/self/mountinfo", "")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "sys/dev/block"), withIntermediateDirectories: true)
        for (link, target) in [("8:0", "sda"), ("8:1", "sda/sda1")] {
            try FileManager.default.createSymbolicLink(
                atPath: path("sys/dev/block/\(link)"), withDestinationPath: "../../devices/pci/block/\(target)")
        }
        func words(_ number: String = "8:0") -> String? { DiskUser(number: number, folder.path).words }
        #expect(words() == nil && words("8:1") == "it is a partition; name the disk")
        try put("proc/self/mountinfo", "36 35 8:1 / /mnt/a\\040b rw - ext4 /dev/root rw\n")
        #expect(words() == "/dev/sda1 is mounted on /mnt/a b")
        // A file system with a number of its own.
        try put("proc/self/mountinfo", "36 35 0:40 / /home rw shared:1 - btrfs /dev/sda2 rw\n")
        #expect(words() == "/dev/sda2 is mounted on /home")
        try put("proc/self/mountinfo", "36 35 8:16 / /home rw - ext4 /dev/sdaa rw\n")
        #expect(words() == nil)
        try put("proc/swaps", "Filename Type\n/dev/sda2\tpartition 1\n")
        #expect(words() == "/dev/sda2 is used for swapping")
        try put("proc/swaps", "")
        try put("\(disk)/sda2/holders/dm-0", "")
        #expect(words() == "/dev/sda2 is used by dm-0")
        try put("sys/block/loop3/loop/backing_file", path("disk.img") + "\n")
        #expect(DiskUser.loop(of: path("disk.img"), folder.path) == "/dev/loop3 shows it as a disk")
        #expect(DiskUser.loop(of: path("other.img"), folder.path) == nil)
    }
}
