import Foundation
import Testing

@testable import Machines

@Suite final class BochsTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    private func disk(sectors: Int) throws -> BootDisk {
        let volume = folder.appending(path: "volume.img")
        try Data(count: sectors * 512).write(to: volume)
        return try BootDisk(volume: volume, in: folder.appending(path: "disk.img"))
    }

    @Test func theConfigurationSaysWhatTheMachineIs() throws {
        var emulator = Emulator(.intel)
        (emulator.cores, emulator.memory) = (3, 768 << 20)
        emulator.extra = ["debugger_log: -"]
        let disk = try disk(sectors: 10_000)
        let text = BochsConfiguration(
            emulator: emulator, disk: disk, com1: 40001, com2: 40002, log: "/tmp/with space/log"
        ).text
        let lines = text.split(separator: "\n").map(String.init)
        for line in [
            "cpu: model=corei7_skylake_x, count=3, ips=50000000, quantum=32, reset_on_triple_fault=0",
            "memory: guest=768, host=768",
            "ata0-master: type=disk, path=\"\(disk.path)\", mode=flat, cylinders=10, heads=16, spt=63",
            "com1: enabled=1, mode=socket-client, dev=127.0.0.1:40001",
            "com2: enabled=1, mode=socket-client, dev=127.0.0.1:40002", "log: \"/tmp/with space/log\"",
            "panic: action=fatal",
        ] { #expect(lines.contains(line), "\(line)\nin\n\(text)") }
        #expect(lines.last == "debugger_log: -")
    }

    @Test func moreMemoryThanBochsTakesFromTheHostIsStillTheGuests() throws {
        var emulator = Emulator(.intel)
        emulator.memory = 3 << 30
        let text = BochsConfiguration(
            emulator: emulator, disk: try disk(sectors: 1), com1: 1, com2: 2, log: "/tmp/log"
        ).text
        #expect(text.contains("memory: guest=3072, host=2048\n"))
    }

    @Test func aMachineKindKnowsItsProgram() {
        #expect(Emulator(.amd).program == "qemu-system-x86_64")
        #expect(Emulator(.intel).program == "bochs")
        #expect(MachineKind.amd.slowness == 1)
        #expect(MachineKind.intel.slowness > 1)
    }

    @Test func anAbsentProgramIsNamedWithThePackages() throws {
        var emulator = Emulator(.intel)
        emulator.program = "bulkhead-no-such-bochs"
        let error = #expect(throws: MachineError.self) {
            _ = try Machine(emulator, volume: URL(filePath: "/dev/null"))
        }
        #expect(error?.description.contains("bulkhead-no-such-bochs") == true)
        #expect(error?.description.contains("vgabios") == true)
    }

    @Test func aBareKernelIsRefused() throws {
        let kernel = folder.appending(path: "kernel")
        try Data([1]).write(to: kernel)
        let direct = Emulator.DirectKernel(kernel: kernel, initrd: kernel, commandLine: "")
        let error = #expect(throws: MachineError.self) { _ = try Machine(bare: Emulator(.intel), direct) }
        guard case .impossible = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func itsLastWordsAreTheMessageOfTheEndAndTheErrors() throws {
        let errors = """
            00000000000i[PLUGIN] loaded plugin libbx_serial.so
            ========================================================================
            Bochs is exiting with the following message:
            [CPU0  ] exception(): 3rd (13) exception with no resolution
            ========================================================================
            00000000000i[SIM   ] quit_sim called with exit code 1
            """
        let log = """
            00000001234e[SER   ] com2: connect() failed
            00000001235i[CPU0  ] nothing
            -- no message
            99999999999p[CPU0  ] >>PANIC<< exception(): 3rd (13) exception with no resolution
            """
        try Data(log.utf8).write(to: folder.appending(path: "log"))
        let words = Bochs.lastWords(errors: errors, folder: folder).split(separator: "\n")
        #expect(
            words == [
                "[CPU0  ] exception(): 3rd (13) exception with no resolution",
                "00000001234e[SER   ] com2: connect() failed",
                "99999999999p[CPU0  ] >>PANIC<< exception(): 3rd (13) exception with no resolution",
            ])
    }

    @Test func withoutComplaintsItsLastWordsAreAllOfThem() {
        #expect(Bochs.lastWords(errors: "Segmentation fault\n", folder: folder) == "Segmentation fault\n")
    }
}
