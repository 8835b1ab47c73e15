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
                ])
        }
        let machine: BootedMachine

        init() throws { machine = try unsafe Self.shared.get() }

        static let speakers = [
            ("pvh", "@neighbour start"), ("multiboot", "@ready"), ("bzimage", "@bulkhead ready kernel=6.1."),
        ]

        @Test(arguments: speakers) func itBootsAndSpeaks(_ partition: String, _ words: String) throws {
            try machine.guest(partition).wait(for: words, seconds: 180)
            let info = try machine.info(partition)
            #expect(info.state == .running && info.starts == 1)
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
