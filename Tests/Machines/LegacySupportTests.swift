import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Firmware whose last act enables the SMIs of an EHCI controller, which it keeps for itself: its owner finds it silent.
    @Suite(.stopsMachines) struct LegacySupport {
        @Test func noSMIOfAnEHCIControllerStaysEnabled() throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu) = (2, 512 << 20, .vtd)
            emulator.extra = ["-device", "usb-ehci,addr=11.0"]
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf, "
                    + "devices: [{pci: \"00:11.0\", reset: none}]}\n", memory: "256M")
            let found = try RefusalMachine(
                "legacy", [RefusedVolume(name: "good", manifest: manifest, reason: "")], emulator,
                firmware: "protection-smis.efi")
            defer { found.machine.stop() }
            #expect(found.machine.console.lines.contains { $0.hasSuffix("firmware: SMIs are enabled") })
            let deadline = found.machine.deadline(seconds: 30)
            while try found.client.list().contains(where: { $0.state != .running }), !deadline.isOver {
                Thread.sleep(forTimeInterval: 0.05)
            }
            #expect(try found.client.list().map(\.state) == [.running])
            // Its configuration space, where the machine has it in memory.
            let monitor = try MachineProtocol(found.machine), tree = try monitor.monitor("info mtree")
            let line = try #require(tree.split(whereSeparator: \.isNewline).first { $0.contains("pcie-mmcfg-mmio") })
            let start = line.drop { $0 == " " }.prefix { $0.isHexDigit }
            let base = try #require(Int(start, radix: 16))
            func word(_ offset: Int) throws -> UInt32? {
                let answer = try monitor.monitor("xp /1wx 0x\(String(base + 0x11 << 15 + offset, radix: 16))")
                return answer.split(separator: "x").last.flatMap { UInt32($0.prefix(8), radix: 16) }
            }
            #expect(try word(0) == 0x24CD_8086, "\(line)")
            #expect(try word(0x68) == 0x0100_0001, "the system's")
            #expect(try word(0x6C).map { $0 & 0xE03F } == 0)
        }
    }
}
