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
}
