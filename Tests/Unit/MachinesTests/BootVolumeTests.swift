import Foundation
import Testing

@testable import Machines

@Suite final class BootVolumeTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> URL {
        let file = folder.appending(path: name)
        try Data(bytes).write(to: file)
        return file
    }

    @Test func theImageHoldsEveryFileUnchanged() throws {
        let kernel = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let volume = BootVolumeImage(
            hypervisor: try file("efi", [1, 2, 3]), manifest: [4, 5],
            images: [.init(path: "kernels/vmlinux-long-name", source: try file("kernel", kernel))])
        let image = folder.appending(path: "boot.img")
        #expect(try volume.writeImage(to: image))
        for (path, bytes) in [
            ("EFI/BOOT/BOOTX64.EFI", [1, 2, 3]), ("BULKHEAD/manifest.cbor", [4, 5]),
            ("BULKHEAD/kernels/vmlinux-long-name", kernel),
        ] {
            let copy = folder.appending(path: "copy")
            try Tool.run("mcopy", ["-o", "-i", image.path, "::" + path, copy.path])
            #expect(try Data(contentsOf: copy) == Data(bytes), "\(path)")
        }
    }

    @Test func itIsWrittenAgainOnlyWhenAnInputChanged() throws {
        var volume = BootVolumeImage(
            hypervisor: try file("efi", [1]), manifest: [2],
            images: [.init(path: "a", source: try file("a", [3]))])
        let image = folder.appending(path: "boot.img")
        #expect(try volume.writeImage(to: image))
        #expect(try !volume.writeImage(to: image))
        volume.manifest = [9]
        #expect(try volume.writeImage(to: image))
        _ = try file("a", [3, 4])
        #expect(try volume.writeImage(to: image))
        #expect(try !volume.writeImage(to: image))
    }

    @Test func aMissingImageIsNamed() throws {
        let absent = folder.appending(path: "absent")
        let volume = BootVolumeImage(
            hypervisor: try file("efi", [1]), manifest: [2], images: [.init(path: "x", source: absent)])
        let error = #expect(throws: MachineError.self) { try volume.writeImage(to: folder.appending(path: "boot.img")) }
        #expect(error?.description.contains(absent.path) == true)
    }

    @Test func aFolderForTheEFIPartition() throws {
        let volume = BootVolumeImage(
            hypervisor: try file("efi", [1]), manifest: [2], images: [.init(path: "k", source: try file("k", [3]))])
        let target = folder.appending(path: "esp")
        try volume.writeFolder(target)
        try volume.writeFolder(target)
        #expect(try Data(contentsOf: target.appending(path: "EFI/BOOT/BOOTX64.EFI")) == Data([1]))
        #expect(try Data(contentsOf: target.appending(path: "BULKHEAD/manifest.cbor")) == Data([2]))
        #expect(try Data(contentsOf: target.appending(path: "BULKHEAD/k")) == Data([3]))
    }

    /// Firmware would start the hypervisor instead of what is there.
    @Test func anotherSystemsBootLoaderIsLeftAlone() throws {
        let target = folder.appending(path: "other")
        let loader = target.appending(path: "EFI/BOOT/BOOTX64.EFI")
        try FileManager.default.createDirectory(
            at: loader.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data([7]).write(to: loader)
        let volume = BootVolumeImage(hypervisor: try file("efi", [1]), manifest: [2], images: [])
        let error = #expect(throws: MachineError.self) { try volume.writeFolder(target) }
        #expect(error?.description.hasSuffix("is another system's boot loader; move it away first") == true)
        #expect(try Data(contentsOf: loader) == Data([7]))
    }

    private var small: BootVolumeImage {
        get throws {
            BootVolumeImage(
                hypervisor: try file("efi", [1]), manifest: [2], images: [.init(path: "k", source: try file("k", [3]))])
        }
    }

    /// A rename over a device would replace its node, and `/dev/sdb` be a file from then on.
    @Test func whatIsNoFileIsLeftAlone() throws {
        let pipe = folder.appending(path: "pipe"), link = folder.appending(path: "null")
        #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(filePath: "/dev/null"))
        for (target, words) in [
            (pipe, "is a device or a pipe, not a file"), (link, "is a device or a pipe, not a file"),
            (folder, "is a folder; name a file in it"),
        ] {
            let error = #expect(throws: MachineError.self) { try small.writeImage(to: target) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
        #expect(SafeFile.kind(of: pipe) == S_IFIFO && SafeFile.kind(of: URL(filePath: "/dev/null")) == S_IFCHR)
        // Nor is anything left beside them.
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["efi", "k", "null", "pipe"])
    }

    /// A disk, where this system has one and lets us make a node for it (as root); the node stays one.
    @Test func aDiskIsNamedAsOne() throws {
        let node = folder.appending(path: "disk")
        guard unsafe mknod(node.path, S_IFBLK | 0o600, dev_t(7 << 8 | 250)) == 0 else { return }
        let error = #expect(throws: MachineError.self) { try small.writeImage(to: node) }
        #expect(error?.description.contains("is a disk, not a file; `bulkhead install --disk") == true)
        #expect(SafeFile.kind(of: node) == S_IFBLK)
    }

    @Test func aLinkToAFileStaysOne() throws {
        let link = folder.appending(path: "link"), image = folder.appending(path: "boot.img")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: image)
        try small.writeImage(to: link)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == image.path)
        #expect(SafeFile.kind(of: image) == S_IFREG)
    }

    /// What cannot be written whole changes nothing: the old file is there, and nothing beside it.
    @Test func aFailureLeavesTheOldFile() throws {
        let target = folder.appending(path: "old")
        try Data([1, 2]).write(to: target)
        #expect(throws: MachineError.self) {
            try SafeFile.replace(target) { file in
                try Data([3]).write(to: file)
                throw MachineError.impossible("no room")
            }
        }
        #expect(try Data(contentsOf: target) == Data([1, 2]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["old"])
    }

    @Test func roomIsAskedForFirst() throws {
        let error = #expect(throws: MachineError.self) {
            try SafeFile.requireRoom(1 << 62, in: folder.appending(path: "not/yet/there"))
        }
        #expect(error?.description.contains("Nothing was written") == true)
        try SafeFile.requireRoom(1, in: folder)
    }
}
