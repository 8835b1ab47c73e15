import ControlClient
import Foundation
import Machines
import Manifest
import ManifestFile
import ManifestRules
import TestKit
import Testing

/// A boot volume whose manifest is refused, or the last one, whose is not.
struct RefusedVolume {
    var name: String
    var manifest: [UInt8]
    /// What the line says; nothing for the last one.
    var reason: String
    /// Another one than the checkout's.
    var hypervisor: URL?
    /// As of `RefusalMachine`, for this volume alone.
    var firmware: String?
    /// Beside the neighbour's.
    var images: [BootVolumeImage.Image] = []
}

/// An emulated machine with boot volumes one behind the other in the firmware's boot order: each is refused, the firmware
/// goes on to the next, and the last one starts its guests.
struct RefusalMachine {
    let machine: Machine
    let client: ControlClient
    /// What the hypervisors said, before guests began to.
    let lines: [String]
    var refusals: [String] { lines.filter { $0.hasPrefix("bulkhead: refused: ") } }

    /// Boots, and holds each refusal against its reason.
    /// - Parameters:
    ///   - emulator: without volumes.
    ///   - firmware: the name of a program that stands for firmware, under `Tests/Guests/firmware`.
    init(_ name: String, _ volumes: [RefusedVolume], _ emulator: Emulator, firmware: String? = nil) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
        try buildAdversaries(workspace)
        let image = BootVolumeImage.Image(
            path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
        var disks: [URL] = []
        for volume in volumes {
            disks.append(workspace.cache.appending(path: "tests/\(name)-\(volume.name).img"))
            var content = BootVolumeImage(
                hypervisor: volume.hypervisor ?? workspace.hypervisor, manifest: volume.manifest,
                images: [image] + volume.images)
            content.firmware = (volume.firmware ?? firmware).map { workspace.cache.appending(path: "images/\($0)") }
            try content.writeImage(to: disks[disks.count - 1])
        }
        var emulator = emulator
        for (index, disk) in disks.enumerated().dropFirst() {
            emulator.extra += [
                "-drive", "if=none,id=boot\(index),format=raw,snapshot=on,file=\(disk.path)",
                "-device", "virtio-blk-pci,drive=boot\(index),bootindex=\(index)",
            ]
        }
        machine = try Machine(emulator, volume: disks[0], log: workspace.cache.appending(path: "tests/\(name).log"))
        // Nothing is sent before the last one is there: the firmware takes that line for a console of its own.
        var starts = 0
        let last = machine.wait(seconds: 180) { line in
            if line.hasPrefix("bulkhead: version") { starts += 1 }
            return starts == volumes.count ? true : nil
        }
        do {
            try machine.requireRunning()
            try #require(last != nil, "\(machine.console.lines.filter { $0.hasPrefix(Machine.prefix) })")
            client = try ControlClient(machine)
            _ = try client.waitUntilUp(.seconds(20))
        } catch {
            machine.stop()
            throw error
        }
        lines = machine.console.lines.filter { $0.hasPrefix(Machine.prefix) }
        #expect(lines.count(where: { $0.hasPrefix("bulkhead: version") }) == volumes.count, "\(lines)")
        #expect(refusals.count == volumes.count - 1, "\(lines)")
        for (volume, line) in zip(volumes, refusals) {
            // The tool adds words to what the hypervisor tells as a number.
            let told = RefusalExplanation(line)?.text ?? line
            #expect(told.contains(volume.reason), "\(volume.name): \(line)")
        }
    }

    /// A manifest of these partitions, each with one line of YAML.
    static func compile(_ partitions: String, cores: Int = 2, memory: String = "512M") throws -> [UInt8] {
        let text = """
            name: refusals
            machine: {cores: \(cores), memory: \(memory)}
            housekeeping: 0
            link: serial
            partitions:

            """
        let manifest = try parseManifest(text + partitions, file: "refusals.yaml", images: .unchecked)
        return try encodeManifest(manifest, file: "refusals.yaml")
    }
}
