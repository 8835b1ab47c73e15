import Control
import ControlClient
import Foundation
import Keys
import Machines
import ManifestFile
import SignedImages
import TestKit
import Testing

extension MachineTests {
    /// A hypervisor that carries its owner's key, before manifests that the owner has not signed, or not so: each is refused in
    /// words. Then one that the owner has signed, beside a kernel, an initrd and a kernel of another partition with a bit
    /// changed, and a kernel that is not there: those partitions do not start, and the others do.
    @Suite(.serialized, .stopsMachines) struct SignedBoot {
        @Test func nothingUnsignedRuns() throws {
            let boot = try SignedBootMachine("signed-boot", Emulator(.amd))
            try boot.expectOnlyWhatIsSigned()
        }
    }
}

/// The machine of these tests: volumes one behind the other, of which the last one is signed as it should be.
private struct SignedBootMachine {
    let boot: RefusalMachine
    /// Partitions, the file that each starts from, and whether that is changed.
    static let partitions = [
        ("same", "kernel-same.elf", "", false), ("kernel", "kernel-bad.elf", "", true),
        ("initrd", "kernel-same.elf", "initrd-bad", true), ("after", "kernel-same.elf", "initrd-same", false),
        ("gone", "kernel-gone.elf", "", true),
    ]

    init(_ name: String, _ emulator: Emulator) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let workspace = Workspace(root: root)
        try buildAdversaries(workspace)
        let folder = workspace.cache.appending(path: "tests/\(name)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let passphrase = Passphrase("correct horse")
        let keys = KeyFolder(folder.path + "/keys"), others = KeyFolder(folder.path + "/others")
        for folder in [keys, others] { try folder.create(height: 5, passphrase, Scrypt(cost: 2)) }

        // The owner signs good images; then some are changed by a bit.
        let kernel = try Data(contentsOf: workspace.cache.appending(path: "images/neighbour.elf"))
        let initrd = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for (_, file, disk, _) in Self.partitions {
            try kernel.write(to: folder.appending(path: file))
            if !disk.isEmpty { try initrd.write(to: folder.appending(path: disk)) }
        }
        let lines = Self.partitions.enumerated().map { index, partition in
            let disk = partition.2.isEmpty ? "" : ", initrd: \(partition.2)"
            return "  - {name: \(partition.0), cores: [\(index + 1)], memory: 32M, permit: all, "
                + "image: {kernel: \(partition.1)\(disk)}}"
        }
        let yaml = """
            name: signed
            machine: {cores: 6, memory: 512M}
            housekeeping: 0
            link: serial
            partitions:

            """ + lines.joined(separator: "\n") + "\n"
        let file = folder.path + "/machine.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: file))
        let (manifest, encoded) = try compileManifest(file, images: .folder(folder.path))
        let unnamed = try encodeManifest(try readManifest(file, images: .unchecked), file: file)
        var volume = BootVolumeImage(hypervisor: workspace.hypervisor, manifest: encoded, images: [])
        try volume.sign(with: keys, passphrase, in: folder)
        #expect(manifest.partitionCount == Self.partitions.count)
        for (name, at) in [("kernel-bad.elf", kernel.count - 1), ("initrd-bad", 77_777)] {
            var bad = try Data(contentsOf: folder.appending(path: name))
            bad[at] ^= 0x10
            try bad.write(to: folder.appending(path: name))
        }

        func changed(_ at: Int) -> [UInt8] {
            var bytes = volume.manifest
            bytes[at < 0 ? bytes.count + at : at] ^= 1
            return bytes
        }
        let unsigned = "is not signed", other = "is not by the owner"
        let volumes: [(String, [UInt8], String)] = [
            ("plain", encoded, unsigned),
            ("payload", changed(40), other),
            ("signature", changed(-1), other),
            ("other-owner", try others.sign([encoded], for: "manifest", passphrase)[0], other),
            ("other-purpose", try keys.sign([encoded], for: "launch", passphrase)[0], other),
            ("short", Array(volume.manifest.dropLast()), unsigned),
            ("unnamed", try keys.sign([unnamed], for: "manifest", passphrase)[0], "does not say what the images"),
            ("good", volume.manifest, ""),
        ]
        let images = Set(Self.partitions.flatMap { [$0.1, $0.2] }).filter { !$0.isEmpty && $0 != "kernel-gone.elf" }
            .sorted().map {
                BootVolumeImage.Image(path: $0, source: folder.appending(path: $0))
            }
        var emulator = emulator
        (emulator.cores, emulator.memory) = (6, 512 << 20)
        boot = try RefusalMachine(
            name,
            volumes.map { name, manifest, reason in
                RefusedVolume(
                    name: name, manifest: manifest, reason: reason, hypervisor: volume.hypervisor, images: images)
            }, emulator)
    }

    /// Refusals are among the lines: they end no wait here.
    private func expect(_ words: String) throws {
        let found = boot.machine.wait(seconds: 60) { $0.contains(words) ? true : nil }
        try #require(found != nil, "\(words): \(boot.machine.console.tail())")
    }

    private func info(_ partition: String) throws -> PartitionInfo {
        try #require(
            try boot.client.list().first { info in
                (0..<info.name.count).map { info.name.bytes[$0] } == Array(partition.utf8)
            })
    }

    func expectOnlyWhatIsSigned() throws {
        defer { boot.machine.stop() }
        for (name, file, disk, isChanged) in Self.partitions {
            let image = disk.isEmpty ? file : disk
            if isChanged {
                try expect("bulkhead: image \(image) of partition \(name) is not what the manifest names")
            } else {
                try expect("bulkhead: partition \(name): images verified")
            }
            let wanted: PartitionState = isChanged ? .crashed : .running
            let deadline = boot.machine.deadline(seconds: 60)
            var info = try info(name)
            while info.state != wanted, !deadline.isOver { info = try self.info(name) }
            #expect(info.state == wanted, "\(name): \(info.state)")
            if isChanged { #expect(info.cause == .badImage && info.starts == 0) }
        }
        // Nobody starts it by asking.
        try boot.client.change(.start, "kernel")
        // It is crashed until its core takes the request, too.
        boot.machine.run(seconds: 1)
        let deadline = boot.machine.deadline(seconds: 30)
        var asked = try info("kernel")
        while asked.state != .crashed, !deadline.isOver { asked = try info("kernel") }
        #expect(asked.state == .crashed && asked.starts == 0)
    }
}
