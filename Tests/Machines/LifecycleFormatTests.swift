import Foundation
import Testing

extension MachineTests {
    /// Every image format that Documentation/manifest.md names (Debian's unpacked kernels boot in the other suites), and
    /// images that cannot be loaded beside them.
    @Suite(.serialized, .stopsMachines) struct Formats {
        nonisolated(unsafe) static let shared = Result {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let kernel = folder.appending(path: "../../.cache/guests/vmlinux-cloud").standardizedFileURL
            return try BootedMachine(
                manifest: "formats",
                images: [
                    "damaged-vmlinux": try Data(contentsOf: kernel).prefix(2 << 20),
                    "garbage": Data(repeating: 0x5A, count: 70_000),
                ], checksImages: false)
        }
        let machine: BootedMachine

        init() throws { machine = try unsafe Self.shared.get() }

        static let speakers = [
            ("pvh", "@neighbour start"), ("multiboot", "@ready"), ("pvh32", "@ready"),
            ("bzimage", "@bulkhead ready kernel=6.1."),
        ]

        /// The last word of the longest command line that there is reaches the guest, by which it stays idle.
        @Test func aCommandLineHasRoomForLinuxs() throws {
            let line = try machine.guest("bzimage").wait(for: "@bulkhead ready ", seconds: 180)
            #expect(line.contains(" run=idle "), "\(line)")
            let longest = machine.testbed.manifest.partitionList.map(\.commandLine.count).max()
            #expect(longest == 2047)
        }

        @Test(arguments: speakers) func itBootsAndSpeaks(_ partition: String, _ words: String) throws {
            try machine.guest(partition).wait(for: words, seconds: 180)
            let info = try machine.info(partition)
            #expect(info.state == .running && info.starts == 1)
        }

        /// An initrd is a module to kernels that know no initial RAM disk: 70,000 bytes of 5Ah each.
        @Test(arguments: ["multiboot", "pvh32"]) func itFindsItsModule(_ partition: String) throws {
            let guest = machine.guest(partition)
            try guest.wait(for: "@ready", seconds: 180)
            guest.type(line: "module")
            let line = try guest.wait(for: "@attempt module ", seconds: 30)
            let loader = partition == "pvh32" ? "pvh" : partition
            #expect(line == "@attempt module seen=\(loader),70000-bytes,6300000-sum,aligned")
        }

        static let refused = [
            ("truncated", "the image ends before what its headers announce"),
            ("garbage", "the image is neither a Linux kernel, an ELF file nor a multiboot image"),
        ]

        @Test(arguments: refused) func itSaysWhyItDoesNotStart(_ partition: String, _ reason: String) throws {
            let line = "bulkhead: partition \(partition): \(reason)"
            let first = try machine.testbed.machine.wait(for: line, seconds: 30).index
            let info = try machine.wait(partition) { $0.state == .crashed }
            #expect(info.cause == .badImage && info.starts == 0)
            try machine.client.change(.start, partition)
            try machine.testbed.machine.wait(for: line, from: first + 1, seconds: 30)
            let again = try machine.wait(partition) { $0.state == .crashed }
            #expect(again.cause == .badImage && again.starts == 0)
            for other in Self.speakers { #expect(try machine.info(other.0).state == .running) }
        }
    }
}
