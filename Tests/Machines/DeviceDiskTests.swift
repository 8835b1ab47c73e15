import Foundation
import Machines
import Testing

extension MachineTests {
    /// A Debian installation on a passed-through NVMe disk.
    @Suite(.serialized, .stopsMachines, .nightly) struct DeviceDisk {
        func boot(_ manifest: String, _ kind: EmulatedIOMMU) throws -> BootedMachine {
            try buildDeviceGuests(withRoot: true)
            let root = try Workspace.current().cache.appending(path: "guests/debian-root.img")
            let machine = try BootedMachine(
                manifest: manifest, iommu: kind,
                extra: [
                    "-drive", "if=none,id=root,format=raw,snapshot=on,file=\(root.path)",
                    "-device", "nvme,drive=root,serial=1,addr=10.0",
                ])
            try machine.guest("debian").wait(for: "@bulkhead root device=nvme0n1", seconds: 180)
            return machine
        }

        @Test(arguments: Devices.kinds) func debianStartsToItsLoginPrompt(_ kind: EmulatedIOMMU) throws {
            let machine = try boot("device-disk", kind)
            defer { machine.testbed.stop() }
            let guest = machine.guest("debian")
            try guest.wait(for: "Debian GNU/Linux 12 debian ttyS0", seconds: 180)
            guest.type(line: "root")
            try guest.wait(for: "debian login: root", seconds: 60)
            guest.type(line: "uname -a > /root/here; sync; cat /root/here")
            try guest.wait(for: "Linux debian 6.1.", seconds: 60)
        }

        @Test(arguments: Devices.kinds) func itsDiskWorksWithoutExits(_ kind: EmulatedIOMMU) throws {
            let machine = try boot("device-disk-silent", kind)
            defer { machine.testbed.stop() }
            let guest = machine.guest("debian")
            try guest.wait(for: "@bulkhead phase name=fio ", seconds: 180)
            Thread.sleep(forTimeInterval: 1)
            let before = try machine.client.statistics("debian").vcpus
            Thread.sleep(forTimeInterval: 10)
            let after = try machine.client.statistics("debian").vcpus
            #expect(after.map(\.total) == before.map(\.total), "\(before) \(after)")
            let end = try guest.wait(for: "@bulkhead phase-end name=fio ", seconds: 60)
            let moved = end.split(separator: " ").compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
            #expect(moved.count == 2 && moved.allSatisfy { $0 > 1024 }, "\(end)")
        }
    }
}
