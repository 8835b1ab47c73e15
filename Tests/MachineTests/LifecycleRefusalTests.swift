import Control
import Foundation
import Link
import Machines
import Manifest
import ManifestFile
import Testing

extension MachineTests {
    /// Boot volumes that are refused, one behind the other in the firmware's boot order, then one that is not: each is
    /// refused in one line, the firmware goes on to the next, and the last one finds the machine as if it were the first.
    @Suite(.stopsMachines) struct Refusals {
        struct Volume {
            var name: String
            var manifest: [UInt8]
            /// What the line says.
            var reason: String
        }

        private static func partition(_ name: String, core: Int, memory: String, image: String) -> String {
            "  - {name: \(name), cores: [\(core)], memory: \(memory), image: \(image)}\n"
        }

        private static func compile(_ partitions: String, cores: Int = 2, memory: String = "512M") throws -> [UInt8] {
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

        static func volumes() throws -> [Volume] {
            let small = partition("small", core: 1, memory: "64M", image: "neighbour.elf")
            let good = try compile(small)
            // The head of the outermost map, whose kind it changes.
            var flipped = good
            flipped[0] ^= 0x20
            // An unsigned number among many: the version.
            var version = good
            version[2] ^= 0x02
            return [
                Volume(
                    name: "cores", manifest: try compile(small, cores: 8),
                    reason: "this machine has 2 cores; the manifest requires 8"),
                Volume(
                    name: "memory", manifest: try compile(small, memory: "16G"),
                    reason: "of memory; the manifest requires 16 GiB"),
                Volume(
                    name: "no-room",
                    manifest: try compile(partition("wide", core: 1, memory: "500M", image: "neighbour.elf")),
                    reason: "this machine has no free piece of memory for the 500 MiB of partition \"wide\""),
                Volume(
                    name: "not-free",
                    manifest: try compile(
                        partition("high", core: 1, memory: "{size: 64M, at: 1T}", image: "neighbour.elf")),
                    reason: "partition \"high\" claims 64 MiB of memory at 0x10000000000, where this machine has no"),
                Volume(name: "flipped", manifest: flipped, reason: "an item of another kind is expected"),
                Volume(
                    name: "version", manifest: version,
                    reason: "the manifest's format version is 3; this program reads version 1"),
                Volume(name: "truncated", manifest: Array(good.dropLast()), reason: "it ends before it is complete"),
                Volume(
                    name: "oversized", manifest: good + [UInt8](repeating: 0, count: 8193 - good.count),
                    reason: "\\BULKHEAD\\manifest.cbor: the file has 8193 bytes; 1 to 8192 are read"),
                Volume(name: "empty", manifest: [], reason: "manifest.cbor: the file has 0 bytes"),
                // Most of the machine's memory is given to the partition before its image is looked for.
                Volume(
                    name: "missing",
                    manifest: try compile(partition("lost", core: 1, memory: "256M", image: "no-such-file")),
                    reason: "image no-such-file: there is no such file on the boot volume"),
                Volume(
                    name: "good",
                    manifest: try compile(partition("last", core: 1, memory: "256M", image: "neighbour.elf")),
                    reason: ""),
            ]
        }

        @Test func eachIsOneLineAndTheFirmwareGoesOn() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
            try buildAdversaries(workspace)
            let volumes = try Self.volumes()
            let image = BootVolume.Image(
                path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
            var disks: [URL] = []
            for volume in volumes {
                disks.append(workspace.cache.appending(path: "tests/refused-\(volume.name).img"))
                try BootVolume(hypervisor: workspace.hypervisor, manifest: volume.manifest, images: [image])
                    .writeImage(to: disks[disks.count - 1])
            }
            var emulator = Emulator()
            emulator.cores = 2
            emulator.memory = 512 << 20
            for (index, disk) in disks.enumerated().dropFirst() {
                emulator.extra += [
                    "-drive", "if=none,id=boot\(index),format=raw,snapshot=on,file=\(disk.path)",
                    "-device", "virtio-blk-pci,drive=boot\(index),bootindex=\(index)",
                ]
            }
            let machine = try Machine(
                emulator, volume: disks[0], log: workspace.cache.appending(path: "tests/refusals.log"))
            defer { machine.stop() }
            // The last one starts its guest.
            // Nothing is sent before the last one is there: the firmware takes that line for a console of its own.
            let starts = Counter()
            let last = machine.console.wait(seconds: 180) { line in
                line.hasPrefix("bulkhead: version") && starts.next() == volumes.count ? true : nil
            }
            try #require(last != nil, "\(machine.console.lines.filter { $0.hasPrefix(Machine.prefix) })")
            let client = try ControlClient(path: machine.link.path)
            _ = try client.waitUntilUp(.seconds(20))
            let lines = machine.console.lines.filter { $0.hasPrefix(Machine.prefix) }
            #expect(lines.count(where: { $0.hasPrefix("bulkhead: version") }) == volumes.count, "\(lines)")
            let refusals = lines.filter { $0.hasPrefix("bulkhead: refused: ") }
            #expect(refusals.count == volumes.count - 1)
            // Beside the version and the refusal: this machine has no IOMMU, which is said each time.
            #expect(lines.count(where: { $0.hasPrefix("bulkhead: no usable IOMMU") }) == volumes.count)
            #expect(lines.count == 3 * volumes.count - 1, "one line each: \(lines.joined(separator: "\n"))")
            for (volume, line) in zip(volumes, refusals) {
                #expect(line.contains(volume.reason), "\(volume.name)")
            }
            let list = try client.list()
            #expect(list.count == 1 && list[0].title == "last" && list[0].state == .running)
        }
    }
}

private final class Counter {
    private var count = 0
    func next() -> Int {
        count += 1
        return count
    }
}
