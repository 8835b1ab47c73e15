import Foundation
import Machines
import Testing

extension MachineTests {
    /// What is refused because of how a machine is built: threads of one core, and functions that the IOMMU cannot tell
    /// or keep apart, with two owners. The last volume's owners accept the one and respect the other.
    @Suite(.stopsMachines) struct DeviceRefusals {
        @Test func eachIsOneLineAndTheFirmwareGoesOn() throws {
            var emulator = Emulator()
            (emulator.cores, emulator.memory, emulator.iommu) = (4, 512 << 20, .vtd)
            // The firmware numbers buses by depth: the switch has 2, what is behind it 3 and 4, the bridge 5.
            emulator.extra = [
                "-smp", "4,threads=2",
                "-device", "edu,addr=8.0,multifunction=on", "-device", "edu,addr=8.1",
                "-device", "pcie-root-port,id=root,chassis=1,slot=1,addr=9", "-device", "x3130-upstream,id=up,bus=root",
                "-device", "xio3130-downstream,id=left,bus=up,chassis=2,slot=0",
                "-device", "xio3130-downstream,id=right,bus=up,chassis=3,slot=1",
                "-device", "e1000e,bus=left", "-device", "e1000e,bus=right",
                "-device", "pcie-pci-bridge,id=bridge,addr=a",
                "-device", "edu,bus=bridge,addr=1", "-device", "edu,bus=bridge,addr=2",
                // More than the processor can address: the firmware leaves its registers where they are. On bus 0 the firmware
                // would not start.
                "-device", "pcie-root-port,id=huge,chassis=4,slot=2,addr=b",
                "-device", "pci-testdev,membar=4T,bus=huge",
                "-device", "pci-ohci,addr=c",
            ]
            let found = try RefusalMachine("refused-device", try Self.volumes(), emulator)
            defer { found.machine.stop() }
            // Their functions are reset first.
            let deadline = found.machine.deadline(seconds: 20)
            var list = try found.client.list()
            while list.contains(where: { $0.state == .starting }), !deadline.isOver {
                Thread.sleep(forTimeInterval: 0.1)
                list = try found.client.list()
            }
            #expect(list.map(\.title) == ["left", "right"] && list.allSatisfy { $0.state == .running })
        }

        private static func volumes() throws -> [RefusedVolume] {
            [
                try volume(
                    "siblings", left: "", right: "",
                    "core 2 of partition \"left\" and core 3 of partition \"right\" are threads of one core; "
                        + "\"accept: [split-smt]\" would allow it", accept: ""),
                try volume(
                    "multifunction", left: edu("00:08.0"), right: edu("00:08.1"),
                    "function 00:08.1 of partition \"right\" is in one isolation group with 00:08.0 of partition \"left\"; "
                        + "the group is 00:08.0 00:08.1"),
                try volume(
                    "switch", left: "{pci: \"03:00.0\"}", right: "{pci: \"04:00.0\"}",
                    "function 04:00.0 of partition \"right\" is in one isolation group with 03:00.0 of partition \"left\"; "
                        + "the group is 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0"),
                try volume(
                    "bridge", left: edu("05:01.0"), right: edu("05:02.0"),
                    "function 05:01.0 of partition \"left\" can only be reset together with its bus, and with it 05:02.0"
                        + " of partition \"right\""),
                try volume(
                    "unplaced", left: "{pci: \"06:00.0\", id: \"1b36:0005\", reset: none}", right: "",
                    "PCI function 0x600 (requester id) has registers where the machine has something else"),
                try volume(
                    "smi", left: "{pci: \"00:0c.0\", reset: none}", right: "",
                    "PCI function 0x60 (requester id) is an OHCI controller"),
                try volume(
                    "good", left: "\(edu("00:08.0")), \(edu("00:08.1"))",
                    right: "{pci: \"03:00.0\"}, {pci: \"04:00.0\"}", ""),
            ]
        }

        private static func edu(_ address: String) -> String { "{pci: \"\(address)\", id: \"1234:11e8\", reset: none}" }

        private static func volume(
            _ name: String, left: String, right: String, _ reason: String, accept: String = "accept: [split-smt], "
        ) throws -> RefusedVolume {
            let partitions = [("left", 2, left), ("right", 3, right)].map { name, core, devices in
                "  - {name: \(name), cores: [\(core)], memory: 64M, image: neighbour.elf, \(accept)devices: [\(devices)]}\n"
            }
            return RefusedVolume(
                name: name, manifest: try RefusalMachine.compile(partitions.joined(), cores: 4), reason: reason)
        }
    }
}
