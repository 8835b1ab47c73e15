import Control
import Foundation
import Link
import Machines
import Testing

/// A file of a test's own for the emulator, removed with it.
struct DeviceFile: ~Copyable {
    let url = FileManager.default.temporaryDirectory.appending(path: "bulkhead-device-\(UUID().uuidString)")
    let content: [UInt8]

    init(bytes: Int, header: String = "") throws {
        content = (0..<bytes).map { _ in UInt8.random(in: 0...255) }
        try (Data(header.utf8) + Data(content)).write(to: url)
    }
    deinit { try? FileManager.default.removeItem(at: url) }

    /// The SHA-256 of its first bytes behind the header.
    func digest(first count: Int) throws -> String {
        let part = url.appendingPathExtension("part")
        defer { try? FileManager.default.removeItem(at: part) }
        try Data(content.prefix(count)).write(to: part)
        return String(try output(of: "/usr/bin/sha256sum", [part.path]).prefix(64))
    }
}

/// Runs a program to its end; what it printed. A status other than 0 is an error.
@discardableResult
func output(of program: String, _ arguments: [String]) throws -> String {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ArenaError("\(program) failed: \(text)") }
    return text
}

/// Builds what device tests boot.
func buildDeviceGuests(withRoot: Bool = false) throws {
    let recipe = try Workspace.current().root.appending(path: "Guests/build-device")
    try output(of: recipe.path, withRoot ? ["--root"] : [])
}

/// A root port of its own for each function, on buses 1, 2, ... in this order; each can be reset alone.
func ports(_ devices: [String]) -> [String] {
    devices.enumerated().flatMap { index, device in
        let number = index + 1
        return [
            "-device", "pcie-root-port,id=port\(number),chassis=\(number),slot=\(number),addr=\(number + 3)",
            "-device", device + ",bus=port\(number)",
        ]
    }
}

extension MachineTests {
    /// Debian's stock drivers on passed-through functions, on a machine with each kind of IOMMU.
    @Suite(.serialized, .stopsMachines, .wantsDevices) struct Devices {
        static let kinds: [RemappingUnit.Kind] = [.vtd, .amdVi]

        /// Behind root ports, and so with VT-d alone: QEMU 10's AMD unit notes bus numbers before firmware gives them.
        @Test func networkCardsAndDisksWork() throws {
            try buildDeviceGuests()
            let answer = try DeviceFile(bytes: 65536, header: "HTTP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n")
            let path = answer.url.path
            let disk = try DeviceFile(bytes: 4 << 20)
            let network = { (name: String) in
                "user,id=\(name),restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:sh -c 'cat \(path); sleep 3',"
                    + "guestfwd=tcp:10.0.2.100:81-cmd:cat /dev/zero"
            }
            let modern = "disable-legacy=on,iommu_platform=on"
            let yard = try Yard(
                manifest: "device-drivers", iommu: .vtd,
                extra: [
                    "-netdev", network("net1"), "-netdev", network("net2"),
                    "-drive", "if=none,id=disk,format=raw,file=\(disk.url.path)",
                ]
                    + ports([
                        "e1000e,netdev=net1", "virtio-net-pci,netdev=net2,\(modern)",
                        "virtio-blk-pci,drive=disk,\(modern)", "virtio-rng-pci,\(modern)",
                    ]))
            defer { yard.testbed.stop() }
            for (partition, driver) in [("e1000e", "e1000e"), ("virtio-net", "virtio_net")] {
                let guest = yard.guest(partition)
                let link = try guest.wait(for: "@bulkhead link driver=", seconds: 180)
                #expect(link.hasPrefix("@bulkhead link driver=\(driver) messages=") && !link.hasSuffix("=0"), "\(link)")
                #expect(try guest.wait(for: "@bulkhead lease ", seconds: 60) == "@bulkhead lease ip=10.0.2.15")
                let fetched = try guest.wait(for: "@bulkhead fetched ", seconds: 60)
                let digest = try answer.digest(first: 65536)
                #expect(fetched == "@bulkhead fetched bytes=65536 sha256=\(digest)")
            }
            let guest = yard.guest("virtio-disk")
            let read = try guest.wait(for: "@bulkhead disk ", seconds: 120)
            let digest = try disk.digest(first: 1 << 20)
            #expect(read == "@bulkhead disk bytes=\(4 << 20) sha256=\(digest)")
            try guest.wait(for: "@bulkhead disk-written bytes=1048576", seconds: 60)
            #expect(
                try guest.wait(for: "@bulkhead random ", seconds: 60).hasPrefix("@bulkhead random bytes=64 from=virtio")
            )
            try yard.expectStreams(in: ["e1000e", "virtio-net"], withoutExitsOf: ["e1000e", "virtio-net", "virtio-disk"])
            for partition in ["e1000e", "virtio-net", "virtio-disk"] {
                try yard.guest(partition).wait(for: "@bulkhead done", seconds: 10)
                #expect(try yard.events(of: partition, from: 0).allSatisfy { $0.kind == .state })
            }
        }

        @Test func virtualFunctionsOfTwoPartitionsTalk() throws {
            try buildDeviceGuests()
            // QEMU 10.0 decodes the lower half of their addresses alone: the firmware gives none beyond 4 GiB.
            let low = ["-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=0"]
            let yard = try Yard(
                manifest: "device-functions", iommu: .vtd,
                extra: low + ["-netdev", "user,id=net,restrict=on"] + ports(["igb,netdev=net"]))
            defer { yard.testbed.stop() }
            // The virtual functions answer once their owner's driver is up.
            try yard.guest("port").wait(for: "@bulkhead functions enabled=2 ", seconds: 180)
            for partition in ["server", "reader"] { try yard.client.change(.start, partition) }
            let server = yard.guest("server"), reader = yard.guest("reader")
            let served = try server.wait(for: "@bulkhead serve ", seconds: 120)
            #expect(
                try reader.wait(for: "@bulkhead ping ", seconds: 120) == "@bulkhead ping peer=10.9.0.2 received=20")
            let fetched = try reader.wait(for: "@bulkhead fetched ", seconds: 120)
            #expect(fetched.hasPrefix("@bulkhead fetched bytes=1048576 sha256="))
            #expect(fetched.suffix(64) == served.suffix(64))
            try yard.expectStreams(in: ["reader"], withoutExitsOf: ["reader", "server"])
            for partition in ["port", "server", "reader"] {
                #expect(try yard.events(of: partition, from: 0).allSatisfy { $0.kind == .state })
            }
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Machines with an IOMMU, and a Debian installation to be made first: run on demand until they are quick and steady.
    static var wantsDevices: Self {
        .enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_DEVICES"] == "1", "BULKHEAD_DEVICES=1 runs it")
    }
}
