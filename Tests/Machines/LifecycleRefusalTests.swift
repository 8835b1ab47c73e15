import Foundation
import Machines
import Manifest
import Testing

extension MachineTests {
    /// Boot volumes that are refused, one behind the other in the firmware's boot order, then one that is not: each is
    /// refused in one line, the firmware goes on to the next, and the last one finds the machine as if it were the first.
    @Suite(.stopsMachines) struct Refusals {
        private static func partition(_ name: String, core: Int, memory: String, image: String) -> String {
            "  - {name: \(name), cores: [\(core)], memory: \(memory), image: \(image)}\n"
        }

        static func volumes() throws -> [RefusedVolume] {
            let small = partition("small", core: 1, memory: "64M", image: "neighbour.elf")
            let good = try RefusalMachine.compile(small)
            // The head of the outermost map, whose kind it changes.
            var flipped = good
            flipped[0] ^= 0x20
            // An unsigned number among many: the version.
            var version = good
            version[2] ^= 0x02
            return [
                RefusedVolume(
                    name: "cores", manifest: try RefusalMachine.compile(small, cores: 8),
                    reason: "this machine has 2 cores; the manifest requires 8"),
                RefusedVolume(
                    name: "memory", manifest: try RefusalMachine.compile(small, memory: "16G"),
                    reason: "of memory; the manifest requires 16 GiB"),
                RefusedVolume(
                    name: "no-room",
                    manifest: try RefusalMachine.compile(
                        partition("wide", core: 1, memory: "500M", image: "neighbour.elf")),
                    reason: "this machine has no free piece of memory for the 500 MiB of partition \"wide\""),
                RefusedVolume(
                    name: "not-free",
                    manifest: try RefusalMachine.compile(
                        partition("high", core: 1, memory: "{size: 64M, at: 1T}", image: "neighbour.elf")),
                    reason: "partition \"high\" claims 64 MiB of memory at 0x10000000000, where this machine has no"),
                RefusedVolume(name: "flipped", manifest: flipped, reason: "an item of another kind is expected"),
                RefusedVolume(
                    name: "version", manifest: version,
                    reason: "the manifest's format version is 3; this program reads version 1"),
                RefusedVolume(
                    name: "truncated", manifest: Array(good.dropLast()), reason: "it ends before it is complete"),
                RefusedVolume(
                    name: "oversized",
                    manifest: good + [UInt8](repeating: 0, count: Manifest.maxEncodedSize + 1 - good.count),
                    reason: "the manifest has 36865 bytes; the most that is read is 36864"),
                RefusedVolume(name: "empty", manifest: [], reason: "manifest.cbor: the file has 0 bytes"),
                // Most of the machine's memory is given to the partition before its image is looked for.
                RefusedVolume(
                    name: "missing",
                    manifest: try RefusalMachine.compile(
                        partition("lost", core: 1, memory: "256M", image: "no-such-file")),
                    reason: "image no-such-file: there is no such file on the boot volume"),
                RefusedVolume(
                    name: "devices",
                    manifest: try RefusalMachine.compile(
                        "  - {name: owner, cores: [1], memory: 64M, image: neighbour.elf, devices: [{pci: \"00:1f.2\"}]}\n"
                    ),
                    reason: "partition \"owner\" has devices, but this machine has no usable IOMMU"),
                RefusedVolume(
                    name: "good",
                    manifest: try RefusalMachine.compile(
                        partition("last", core: 1, memory: "256M", image: "neighbour.elf")),
                    reason: ""),
            ]
        }

        @Test func eachIsOneLineAndTheFirmwareGoesOn() throws {
            let volumes = try Self.volumes()
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            let found = try RefusalMachine("refused", volumes, emulator)
            defer { found.machine.stop() }
            let lines = found.lines
            // Beside the version and the refusal, or that the images are verified: this machine has no IOMMU, no TPM, no Secure
            // Boot and no owner's key, said each time.
            #expect(lines.count(where: { $0.hasPrefix("bulkhead: no usable IOMMU") }) == volumes.count)
            #expect(lines.count == 6 * volumes.count, "one line each: \(lines.joined(separator: "\n"))")
            let list = try found.client.list()
            #expect(list.count == 1 && list[0].title == "last" && list[0].state == .running)
        }
    }
}
