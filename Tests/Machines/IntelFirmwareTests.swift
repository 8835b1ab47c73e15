import Foundation
import Machines
import Testing

extension MachineTests {
    /// How an Intel machine that does not come up is reported.
    @Suite(.serialized, .stopsMachines) struct IntelFirmware {
        /// A boot loader that is over at its second instruction: an exception without a table of handlers.
        static let crashing = """
            struct __attribute__((packed)) table { unsigned short limit; unsigned long long base; };
            unsigned long long start(void *handle, void *system) {
                struct table none = {0, 0};
                __asm__ volatile("cli; lidt %0; ud2" ::"m"(none));
                return 0;
            }
            """

        @Test func aMachineThatCrashesEndsWithTheEmulatorsWords() throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let source = folder.appending(path: "crash.c"), loader = folder.appending(path: "crash.efi")
            try Data(Self.crashing.utf8).write(to: source)
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/usr/bin/env")
            compiler.arguments = [
                "clang", "-target", "x86_64-unknown-windows", "-ffreestanding", "-nostdlib", "-O1", "-fuse-ld=lld",
                "-Wl,-entry:start", "-Wl,-subsystem:efi_application", "-o", loader.path, source.path,
            ]
            try compiler.run()
            compiler.waitUntilExit()
            try #require(compiler.terminationStatus == 0)
            let image = folder.appending(path: "boot.img")
            try BootVolumeImage(hypervisor: loader, manifest: [0], images: []).writeImage(to: image)
            var emulator = Emulator(.intel)
            (emulator.cores, emulator.memory) = (1, 256 << 20)
            let machine = try Machine(emulator, volume: image)
            defer { machine.stop() }
            let error = #expect(throws: MachineError.self) { try machine.waitForHypervisor() }
            guard case .ended(_, let words) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(words.contains("exception with no resolution"), "\(words)")
        }

        /// What is not there is said before anything of the machine is taken, not found out by a guest that is not guarded.
        @Test func theWatchIsRefusedByName() throws {
            let workspace = try Workspace.current(), name = "neighbour.elf"
            try buildAdversaries(workspace)
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: \(name), watch: {kernel: freeze}}\n", memory: "256M")
            let image = workspace.cache.appending(path: "tests/watch-intel.img")
            let files = [BootVolumeImage.Image(path: name, source: workspace.cache.appending(path: "images/\(name)"))]
            try BootVolumeImage(hypervisor: workspace.hypervisor, manifest: manifest, images: files).writeImage(
                to: image)
            var emulator = Emulator(.intel)
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            let machine = try Machine(emulator, volume: image)
            defer { machine.stop() }
            let last = machine.wait(seconds: 300) { $0.contains("refused: ") ? $0 : nil }
            let words = "the watch over kernels is not there for Intel's processors yet"
            #expect(last?.value.contains(words) == true, "\(machine.console.lines)")
        }

        @Test func anEmulatorThatCannotStartIsReportedWithItsWords() throws {
            var emulator = Emulator(.intel)
            emulator.processor = "no-such-processor"
            let volume = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
            try Data(count: 1 << 20).write(to: volume)
            defer { try? FileManager.default.removeItem(at: volume) }
            let machine = try Machine(emulator, volume: volume)
            defer { machine.stop() }
            let error = #expect(throws: MachineError.self) { try machine.waitForHypervisor(seconds: 1) }
            #expect(error?.description.contains("cpu directive malformed") == true, "\(String(describing: error))")
        }
    }
}
