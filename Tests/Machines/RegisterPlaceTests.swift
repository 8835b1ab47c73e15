import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Registers that a partition would own, where firmware has put them on something of the machine's, or where its tables
    /// have something: each is refused by its name while the firmware runs, and nothing is changed.
    @Suite(.stopsMachines) struct RegisterPlaces {
        private static let taken = "PCI function 0x80 (requester id) has registers where the machine has something else"
        /// What stands for firmware on each volume, and what is said of it.
        private static let places: [(firmware: String, reason: String)] = [
            (
                "at-zero",
                "PCI function 0x80 (requester id) has registers to which firmware has given no address that cores can reach"
            ),
            ("at-vga", taken), ("at-ecam", taken), ("at-ioapic", taken), ("at-unit", taken),
            ("lists-ecam", taken), ("lists-ioapic", taken), ("lists-unit", taken), ("lists-flash", taken),
        ]

        @Test func whatIsTheMachinesIsNoPartitions() throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu) = (2, 512 << 20, .vtd)
            emulator.extra = [
                "-object", "memory-backend-ram,id=shared,size=1M", "-device", "ivshmem-plain,memdev=shared,addr=10.0",
            ]
            let manifest = try RefusalMachine.compile(
                "  - {name: only, cores: [1], memory: 64M, image: neighbour.elf, "
                    + "devices: [{pci: \"00:10.0\", id: \"1af4:1110\", reset: none}]}\n", memory: "256M")
            let volumes = Self.places.map { place in
                RefusedVolume(
                    name: place.firmware, manifest: manifest, reason: place.reason,
                    firmware: "protection-\(place.firmware).efi")
            }
            let found = try RefusalMachine(
                "refused-places", volumes + [RefusedVolume(name: "good", manifest: manifest, reason: "")], emulator)
            defer { found.machine.stop() }
            let said = found.machine.console.lines.filter { $0.contains("firmware: ") }
            #expect(said.count == Self.places.count, "\(said)")
            #expect(said.allSatisfy { $0.hasSuffix("firmware: nothing was changed") }, "\(said)")
        }
    }
}
