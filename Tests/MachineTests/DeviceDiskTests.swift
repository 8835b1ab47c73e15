import Foundation
import Machines
import Testing

extension MachineTests {
    /// A Debian installation on a passed-through NVMe disk.
    @Suite(.serialized, .stopsMachines, .wantsDevices) struct DeviceDisk {
        @Test(arguments: Devices.kinds) func debianRunsFromAnNVMeDiskWithoutExits(_ kind: RemappingUnit.Kind) throws {
            try buildDeviceGuests(withRoot: true)
            let root = try Workspace.current().cache.appending(path: "guests/debian-root.img")
            let yard = try Yard(
                manifest: "device-disk", iommu: kind,
                extra: [
                    "-drive", "if=none,id=root,format=raw,snapshot=on,file=\(root.path)",
                    "-device", "nvme,drive=root,serial=1,addr=10.0",
                ])
            defer { yard.testbed.stop() }
            let guest = yard.guest("debian")
            try guest.wait(for: "@bulkhead root device=nvme0n1", seconds: 180)
            try guest.wait(for: "Debian GNU/Linux 12 debian ttyS0", seconds: 180)
            guest.type(line: "root")
            try guest.wait(for: "debian login: root", seconds: 60)
            guest.type(line: "systemctl start --no-block disk-load")
            try guest.wait(for: "@bulkhead phase name=fio ", seconds: 120)
            Thread.sleep(forTimeInterval: 1)
            let before = try yard.client.statistics("debian").vcpus
            Thread.sleep(forTimeInterval: 10)
            let after = try yard.client.statistics("debian").vcpus
            #expect(after.map(\.total) == before.map(\.total), "\(before) \(after)")
            let end = try guest.wait(for: "@bulkhead phase-end name=fio ", seconds: 60)
            let moved = end.split(separator: " ").compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
            #expect(moved.count == 2 && moved.allSatisfy { $0 > 1024 }, "\(end)")
        }
    }
}
