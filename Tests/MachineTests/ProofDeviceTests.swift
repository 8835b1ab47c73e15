import Foundation
import Machines
import Testing

extension MachineTests {
    /// What PCI functions can reach, by the IOMMU's own tables: a machine of each kind.
    @Suite(.serialized, .stopsMachines) struct ProofOfDevices {
        static let units: [(device: String, kind: RemappingUnit.Kind)] = [
            ("intel-iommu,intremap=on,eim=on", .vtd), ("amd-iommu,intremap=on,xtsup=on", .amdVi),
        ]

        @Test(arguments: units) func functionsReachTheirPartitionAlone(
            _ unit: (device: String, kind: RemappingUnit.Kind)
        ) throws {
            let yard = try Yard(
                manifest: "proof-devices",
                extra: [
                    "-device", unit.device,
                    "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4", "-device", "e1000e,bus=port1",
                    "-device", "pcie-root-port,id=port2,chassis=2,slot=2,addr=5", "-device", "e1000e,bus=port2",
                ])
            defer { yard.testbed.stop() }
            try yard.guest("keeper").wait(for: "@keeper start", seconds: 60)
            try yard.guest("neighbour").wait(for: "@neighbour start", seconds: 60)
            let snapshot = try Snapshot(yard.testbed.machine, yard.workspace, name: "proof-devices")
            #expect(snapshot.units.map(\.kind) == [unit.kind])
            let (ledger, audit) = try snapshot.audit(yard.testbed)
            #expect(audit.findings.isEmpty, "\(audit.text)")
            // Each function reaches all of its partition's memory, and can ring every vCPU by vectors 16 to 255.
            #expect(Set(audit.functions.keys) == [0x100, 0x200])
            for (requester, cores) in [(0x100, 1), (0x200, 2)] {
                let reach = try #require(audit.functions[requester])
                #expect(reach.bytes == 64 << 20 && reach.interrupts == 240 * cores, "\(requester): \(reach)")
                #expect(ledger.of(.registers).contains { $0.index == requester })
                #expect(ledger.of(.messages).contains { $0.index == requester })
            }
        }
    }
}
