import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What PCI functions can reach, by the IOMMU's own tables: a machine of each kind.
    @Suite(.serialized, .stopsMachines) struct ProofOfDevices {
        static let units: [(device: String, kind: EmulatedIOMMU)] = [
            ("intel-iommu,intremap=on,eim=on", .vtd), ("amd-iommu,intremap=on,xtsup=on", .amdVi),
        ]

        @Test(arguments: units) func functionsReachTheirPartitionAlone(
            _ unit: (device: String, kind: EmulatedIOMMU)
        ) throws {
            let machine = try Self.start(unit.device)
            defer { machine.stop() }
            let (snapshot, ownership, audit) = try Self.look(machine)
            #expect(snapshot.units.map(\.kind) == [unit.kind])
            #expect(audit.findings.isEmpty, "\(audit.text)")
            // Each function reaches all of its partition's memory, and can ring every vCPU by vectors 16 to 255.
            #expect(Set(audit.functions.keys) == [0x100, 0x200])
            for (requester, cores) in [(0x100, 1), (0x200, 2)] {
                let reach = try #require(audit.functions[requester])
                #expect(reach.bytes == 64 << 20 && reach.interrupts == 240 * cores, "\(requester): \(reach)")
                #expect(ownership.of(.registers).contains { $0.index == requester })
                #expect(ownership.of(.messages).contains { $0.index == requester })
            }
        }

        private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        private static let workspace = Workspace(
            root: folder.deletingLastPathComponent().deletingLastPathComponent())

        /// A network card for each partition, behind a root port of its own.
        private static func start(_ unit: String) throws -> Machine {
            try buildAdversaries(workspace)
            let (manifest, volume) = try BootVolumeImage.compile(
                folder.appending(path: "Manifests/proof-devices.yaml").path, workspace)
            let disk = workspace.cache.appending(path: "tests/proof-devices.img")
            try volume.writeImage(to: disk)
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (manifest.machineCores, manifest.machineMemory)
            emulator.extra = [
                "-device", unit,
                "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4", "-device", "e1000e,bus=port1",
                "-device", "pcie-root-port,id=port2,chassis=2,slot=2,addr=5", "-device", "e1000e,bus=port2",
            ]
            let machine = try Machine(
                emulator, volume: disk, log: workspace.cache.appending(path: "tests/proof-devices.log"))
            try machine.waitForHypervisor()
            return machine
        }

        /// The machine when both guests run (each by one vCPU), by what is seen of it: QEMU 10.0's amd-iommu loses the I/O APIC's interrupts, and
        /// so the management link is not asked.
        private static func look(
            _ machine: Machine
        ) throws -> (snapshot: Snapshot, ownership: OwnershipReader, audit: Audit) {
            let deadline = machine.deadline(seconds: 90)
            while true {
                try machine.requireRunning()
                let snapshot = try Snapshot(machine, workspace, name: "proof-devices")
                if let seen = try? snapshot.audit(["neighbour", "victim"], housekeeping: 0),
                    seen.audit.coresInGuests.isSuperset(of: [1, 2]), seen.audit.coresInRoot.contains(0)
                {
                    return (snapshot, seen.ownership, seen.audit)
                }
                guard !deadline.isOver else {
                    throw MachineError.timeout(awaited: "running guests", seconds: 90, log: machine.console.tail())
                }
                machine.run(seconds: 2)
            }
        }
    }
}
