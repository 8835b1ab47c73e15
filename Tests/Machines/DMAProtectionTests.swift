import Foundation
import Machines
import Testing

extension MachineTests {
    /// Firmware that protects itself from DMA, beside the hypervisor that does so too, or that changes what was checked. What
    /// ends all protection as its last act is part of `DeviceAttack`.
    @Suite(.stopsMachines) struct DMAProtection {
        /// A machine with VT-d whose firmware has a will of its own.
        private static func start(_ kind: String, devices: String = "", extra: [String] = []) throws -> Machine {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
            try buildAdversaries(workspace)
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf, devices: [\(devices)]}\n",
                memory: "256M")
            var volume = BootVolumeImage(
                hypervisor: workspace.hypervisor, manifest: manifest,
                images: [
                    .init(path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
                ])
            volume.firmware = workspace.cache.appending(path: "images/protection-\(kind).efi")
            let image = workspace.cache.appending(path: "tests/protection-\(kind).img")
            try volume.writeImage(to: image)
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu, emulator.extra) = (2, 512 << 20, .vtd, extra)
            return try Machine(
                emulator, volume: image, log: workspace.cache.appending(path: "tests/protection-\(kind).log"))
        }

        /// Firmware's last act moves the registers of a function that a partition owns. Nobody is there to return to.
        @Test func aFunctionThatIsMovedAtLastIsRefused() throws {
            let machine = try Self.start(
                "moves", devices: "{pci: \"00:10.0\", reset: none}", extra: ["-device", "edu,addr=10.0"])
            defer { machine.stop() }
            let last = machine.wait(seconds: 120) { $0.contains("refused: ") ? $0 : nil }
            #expect(machine.console.lines.contains { $0.hasSuffix("firmware: 00:10.0 is elsewhere") })
            #expect(
                last?.value.contains("PCI function 0x80 (requester id) is not what it was") == true,
                "\(machine.console.lines)")
        }

        @Test func aRefusalLeavesTheFirmwaresProtectionAsItWas() throws {
            let machine = try Self.start("stays")
            defer { machine.stop() }
            let last = machine.wait(seconds: 120) { $0.contains("firmware: DMA ") ? $0 : nil }
            // The refusal came when everything was denied already.
            #expect(machine.console.lines.contains { $0.contains("refused: leaving the firmware: ") })
            #expect(
                last?.value.hasSuffix("firmware: DMA protection is as it was") == true, "\(machine.console.lines)")
        }

        /// Firmware's last act clears the one bit by which DMA is translated; all else stays as it was set up.
        @Test(arguments: [EmulatedIOMMU.vtd] + Nightly.also([.amdVi]))
        func translationThatFirmwareEndedIsOnAgain(_ kind: EmulatedIOMMU) throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu) = (2, 512 << 20, kind)
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf}\n", memory: "256M")
            let found = try RefusalMachine(
                "dma-cleared-\(kind)", [RefusedVolume(name: "good", manifest: manifest, reason: "")], emulator,
                firmware: "protection-clears.efi")
            defer { found.machine.stop() }
            #expect(found.machine.console.lines.contains { $0.hasSuffix("firmware: DMA protection is off") })
            // Global status: translation, queue, interrupt remapping; AMD's control: IommuEn, EventLogEn, CmdBufEn.
            let (address, mask) = kind == .vtd ? (0xFED9_001C, 0x8680_0000) : (0xFED8_0018, 0x1005)
            let wanted = kind == .vtd ? 0x8600_0000 : 0x1005
            let answer = try MachineProtocol(found.machine).monitor("xp /1wx 0x\(String(address, radix: 16))")
            let word = answer.split(separator: "x").last.flatMap { Int($0.prefix(8), radix: 16) }
            #expect(word.map { $0 & mask } == wanted, "\(answer)")
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
            // QEMU's table does not have INTR_REMAP then, which is looked at first.
            let words = "PCI functions: the firmware forbids to remap interrupts, or x2APIC beside it"
            #expect(found.lines.contains { $0.hasSuffix(words) })
            // Global status: translation and queue on, interrupt remapping off.
            let answer = try MachineProtocol(found.machine).monitor("xp /1wx 0xfed9001c")
            let word = answer.split(separator: "x").last.flatMap { UInt32($0.prefix(8), radix: 16) }
            #expect(word.map { $0 & 0x8680_0000 } == 0x8400_0000, "\(answer)")
        }
    }
}
