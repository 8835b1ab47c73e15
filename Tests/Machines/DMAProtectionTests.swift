import Foundation
import Machines
import Testing

extension MachineTests {
    /// Firmware that protects itself from DMA, beside the hypervisor that does so too. What ends protection as its last act is
    /// part of `DeviceAttack`.
    @Suite(.stopsMachines) struct DMAProtection {
        @Test func aRefusalLeavesTheFirmwaresProtectionAsItWas() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
            try buildAdversaries(workspace)
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf}\n", memory: "256M")
            var volume = BootVolumeImage(
                hypervisor: workspace.hypervisor, manifest: manifest,
                images: [
                    .init(path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
                ])
            volume.firmware = workspace.cache.appending(path: "images/protection-stays.efi")
            let image = workspace.cache.appending(path: "tests/dma-protection.img")
            try volume.writeImage(to: image)
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu) = (2, 512 << 20, .vtd)
            let machine = try Machine(
                emulator, volume: image, log: workspace.cache.appending(path: "tests/dma-protection.log"))
            defer { machine.stop() }
            let last = machine.wait(seconds: 120) { $0.contains("firmware: DMA ") ? $0 : nil }
            // The refusal came when everything was denied already.
            #expect(machine.console.lines.contains { $0.contains("refused: leaving the firmware: ") })
            #expect(
                last?.value.hasSuffix("firmware: DMA protection is as it was") == true, "\(machine.console.lines)")
        }

        /// Interrupts pass, no partition can own a function, and no function reaches any memory.
        @Test func unitsThatCannotHoldInterruptsDenyAllDMA() throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            emulator.extra = ["-device", "intel-iommu,intremap=off"]
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf}\n", memory: "256M")
            let found = try RefusalMachine(
                "dma-denied", [RefusedVolume(name: "good", manifest: manifest, reason: "")], emulator)
            defer { found.machine.stop() }
            #expect(found.lines.contains { $0.hasSuffix("PCI functions: VT-d has no interrupt remapping") })
            // Global status: translation and queue on, interrupt remapping off.
            let answer = try MachineProtocol(found.machine).monitor("xp /1wx 0xfed9001c")
            let word = answer.split(separator: "x").last.flatMap { UInt32($0.prefix(8), radix: 16) }
            #expect(word.map { $0 & 0x8680_0000 } == 0x8400_0000, "\(answer)")
        }
    }
}
