import Foundation
import Testing

@testable import Machines

@Suite final class BootDiskTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    @Test func theVolumeIsTheOnePartition() throws {
        // Longer than one block, with a block of zeros in the middle and an end that is not a whole block.
        var volume =
            Data((0..<3 << 20).map { UInt8(truncatingIfNeeded: ($0 &* 7) >> 3) }) + Data(repeating: 9, count: 1024)
        volume.replaceSubrange((1 << 20)..<(2 << 20), with: Data(count: 1 << 20))
        let source = folder.appending(path: "volume.img"), target = folder.appending(path: "disk.img")
        try volume.write(to: source)
        let disk = try BootDisk(volume: source, in: target)
        let bytes = try Data(contentsOf: target)
        #expect(bytes.count == disk.cylinders * BootDisk.heads * BootDisk.sectorsPerTrack * 512)
        #expect(bytes[510...511] == Data([0x55, 0xAA]))
        // Entry 1: type at 4, first sector at 8, count at 12; the others are empty.
        #expect(bytes[450] == 0xEF)
        let number = { (at: Int) in (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        let (first, count) = (number(454), number(458))
        #expect(count * 512 == volume.count)
        #expect(bytes[462..<510] == Data(count: 48))
        #expect(bytes[512..<first * 512].allSatisfy { $0 == 0 })
        #expect(bytes[(first * 512)..<((first + count) * 512)] == volume)
        #expect(bytes[((first + count) * 512)...].allSatisfy { $0 == 0 })
    }

    @Test func theFileSystemInItIsReadable() throws {
        let file = folder.appending(path: "efi")
        try Data([1, 2, 3]).write(to: file)
        let image = folder.appending(path: "boot.img")
        try BootVolumeImage(hypervisor: file, manifest: [4], images: []).writeImage(to: image)
        let disk = try BootDisk(volume: image, in: folder.appending(path: "disk.img"))
        let copy = folder.appending(path: "copy")
        let partition = "\(disk.path)@@\(BootDisk.firstSector * BootDisk.sectorSize)"
        try Tool.run("mcopy", ["-o", "-i", partition, "::EFI/BOOT/BOOTX64.EFI", copy.path])
        #expect(try Data(contentsOf: copy) == Data([1, 2, 3]))
    }

    @Test(arguments: [0, 511, 513]) func whatIsNoWholeNumberOfSectorsIsRefused(_ size: Int) throws {
        let source = folder.appending(path: "volume.img")
        try Data(count: size).write(to: source)
        let error = #expect(throws: MachineError.self) {
            _ = try BootDisk(volume: source, in: folder.appending(path: "disk.img"))
        }
        #expect(error?.description.contains("it has \(size) bytes") == true)
    }

    @Test func anAbsentVolumeIsNamed() {
        let error = #expect(throws: MachineError.self) {
            _ = try BootDisk(volume: folder.appending(path: "absent"), in: folder.appending(path: "disk.img"))
        }
        #expect(error?.description.contains("absent") == true)
    }
}
