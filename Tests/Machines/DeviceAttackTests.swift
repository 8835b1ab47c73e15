import Foundation
import Machines
import Testing

extension MachineTests {
    /// A guest aims a DMA engine at what is not its own, on a machine whose firmware has ended DMA protection as its last act.
    @Suite(.serialized, .stopsMachines) struct DeviceAttack {
        @Test(arguments: Devices.kinds) func nothingOutsideIsReached(_ kind: EmulatedIOMMU) throws {
            try buildDeviceGuests()
            let machine = try BootedMachine(
                manifest: "device-dma", firmware: "protection-ends.efi", iommu: kind,
                extra: ["-device", "edu,dma_mask=0xffffffffffffffff,addr=10.0"])
            defer { machine.testbed.stop() }
            #expect(machine.testbed.machine.console.lines.contains { $0.hasSuffix("firmware: DMA protection is off") })
            try machine.guest("neighbour").wait(for: "@bulkhead ready ", seconds: 120)
            let clock = try machine.clock("neighbour")
            let attacker = machine.guest("attacker")
            try attacker.wait(for: "@bulkhead done", seconds: 240)
            // Its own memory is within reach, both ways: the attacks below are not void.
            let seen = attacker.lines.filter { $0.hasPrefix("@bulkhead dma name=") }
            #expect(seen.first?.hasSuffix(" read=0x1122334455667788") == true, "\(seen)")
            #expect(attacker.lines.contains("@bulkhead own now=0x5A5A5A5A5A5A5A5A"))
            // What is refused reads as nothing: zeros, ones, or the buffer as it was.
            let nothing = ["0x0000000000000000", "0xFFFFFFFFFFFFFFFF", "0x0123456789ABCDEF"]
            let attacks = seen.dropFirst()
            #expect(attacks.count == 10)
            for line in attacks { #expect(nothing.contains { line.hasSuffix(" read=" + $0) }, "\(line)") }
            // The partition is told of, and nobody else is disturbed.
            let faults = try machine.events(of: "attacker", from: 0).filter { $0.kind == .device }
            // QEMU's AMD unit records nothing.
            #expect(faults.isEmpty == (kind == .amdVi))
            #expect(try machine.events(of: "neighbour", from: 0).allSatisfy { $0.kind == .state })
            #expect(try machine.ask("neighbour", "memory 2", "memory", "errors") == 0)
            #expect(try machine.clock("neighbour") > clock)
            #expect(try machine.info("neighbour").starts == 1)
        }
    }
}
