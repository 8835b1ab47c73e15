import Foundation
import Machines
import Testing

extension MachineTests {
    /// What firmware can leave behind that no emulated machine has of itself: `Tests/Guests/firmware/leftover.c`.
    @Suite(.stopsMachines) struct Leftover {
        private static func manifest() throws -> [UInt8] {
            try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf}\n", memory: "256M")
        }

        /// Page tables of four levels would be read as of five. The words come before anything else is looked at.
        @Test func addressesOf57BitsAreRefused() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
            try buildAdversaries(workspace)
            var volume = BootVolumeImage(hypervisor: workspace.hypervisor, manifest: try Self.manifest(), images: [])
            volume.firmware = workspace.cache.appending(path: "images/leftover-wide.efi")
            let image = workspace.cache.appending(path: "tests/leftover-wide.img")
            try volume.writeImage(to: image)
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            emulator.processor += ",+la57"
            let machine = try Machine(
                emulator, volume: image, log: workspace.cache.appending(path: "tests/leftover-wide.log"))
            defer { machine.stop() }
            let last = machine.wait(seconds: 120) { $0.contains("refused: ") ? $0 : nil }
            #expect(machine.console.lines.contains { $0.hasSuffix("firmware: addresses have 57 bits") })
            #expect(
                last?.value.contains("the firmware uses 57-bit addresses (CR4.LA57)") == true,
                "\(machine.console.lines)")
        }

        /// The boot measures the time stamp counter against another clock.
        @Test func aTimerThatStandsStillHoldsNothingUp() throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            let found = try RefusalMachine(
                "leftover-stands", [RefusedVolume(name: "good", manifest: try Self.manifest(), reason: "")], emulator,
                firmware: "leftover-stands.efi")
            defer { found.machine.stop() }
            #expect(found.machine.console.lines.contains { $0.hasSuffix("firmware: the timer stands still") })
        }
    }
}
