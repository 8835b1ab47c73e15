import Foundation
import Machines
import Testing

extension MachineTests {
    /// Debian's stock drivers on passed-through functions, on a machine with each kind of IOMMU.
    @Suite(.serialized, .stopsMachines) struct Devices {
        static let kinds: [EmulatedIOMMU] = [.vtd, .amdVi]

        static let modern = "disable-legacy=on,iommu_platform=on"
        /// What both cards fetch.
        static func answer() throws -> DeviceFile {
            try DeviceFile(bytes: 65536, header: "HTTP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n")
        }
        /// A network with a server that gives the answer, and one that streams from when the gate is gone.
        static func network(_ name: String, _ answer: borrowing DeviceFile, _ gate: borrowing DeviceFile) -> [String] {
            let stream = "sh -c 'while [ -e \(gate.url.path) ]; do sleep 0.2; done; exec cat /dev/zero'"
            return [
                "-netdev",
                "user,id=\(name),restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:sh -c 'cat \(answer.url.path); sleep 3',"
                    + "guestfwd=tcp:10.0.2.100:81-cmd:\(stream)",
            ]
        }

        func expectAnswers(_ machine: BootedMachine, _ answer: borrowing DeviceFile) throws {
            for (partition, driver) in [("e1000e", "e1000e"), ("virtio-net", "virtio_net")] {
                let guest = machine.guest(partition)
                let link = try guest.wait(for: "@bulkhead link driver=", seconds: 180)
                #expect(link.hasPrefix("@bulkhead link driver=\(driver) messages=") && !link.hasSuffix("=0"), "\(link)")
                #expect(try guest.wait(for: "@bulkhead lease ", seconds: 60) == "@bulkhead lease ip=10.0.2.15")
                let fetched = try guest.wait(for: "@bulkhead fetched ", seconds: 60)
                let digest = try answer.digest(first: 65536)
                #expect(fetched == "@bulkhead fetched bytes=65536 sha256=\(digest)")
                try guest.wait(for: "@bulkhead connected name=stream", seconds: 60)
            }
        }

        /// Behind root ports, and so with VT-d alone: QEMU 10's AMD unit notes bus numbers before firmware gives them.
        @Test func networkCardsAndDisksWork() throws {
            try buildDeviceGuests()
            let answer = try Self.answer(), gate = try DeviceFile(bytes: 1), disk = try DeviceFile(bytes: 4 << 20)
            let machine = try BootedMachine(
                manifest: "device-drivers", iommu: .vtd,
                extra: Self.network("net1", answer, gate) + Self.network("net2", answer, gate) + [
                    "-drive", "if=none,id=disk,format=raw,file=\(disk.url.path)",
                ]
                    + ports([
                        "e1000e,netdev=net1", "virtio-net-pci,netdev=net2,\(Self.modern)",
                        "virtio-blk-pci,drive=disk,\(Self.modern)", "virtio-rng-pci,\(Self.modern)", "qemu-xhci",
                    ]))
            defer { machine.testbed.stop() }
            try expectAnswers(machine, answer)
            let guest = machine.guest("virtio-disk")
            let read = try guest.wait(for: "@bulkhead disk ", seconds: 120)
            let digest = try disk.digest(first: 1 << 20)
            #expect(read == "@bulkhead disk bytes=\(4 << 20) sha256=\(digest)")
            try guest.wait(for: "@bulkhead disk-written bytes=1048576", seconds: 60)
            #expect(
                try guest.wait(for: "@bulkhead random ", seconds: 60).hasPrefix("@bulkhead random bytes=64 from=virtio")
            )
            let partitions = ["e1000e", "virtio-net", "virtio-disk"]
            gate.remove()
            try machine.expectStreams(in: ["e1000e", "virtio-net"], withoutExitsOf: partitions)
            for partition in partitions {
                try machine.guest(partition).wait(for: "@bulkhead done", seconds: 10)
                #expect(try machine.events(of: partition, from: 0).allSatisfy { $0.kind == .state })
            }
        }

        /// Without ports above them, QEMU's cards cannot be reset.
        @Test(.nightly) func networkCardsWorkOnAnAMDUnit() throws {
            try buildDeviceGuests()
            let answer = try Self.answer(), gate = try DeviceFile(bytes: 1)
            let machine = try BootedMachine(
                manifest: "device-network", iommu: .amdVi,
                extra: Self.network("net1", answer, gate) + Self.network("net2", answer, gate) + [
                    "-device", "e1000e,netdev=net1,addr=10.0",
                    "-device", "virtio-net-pci,netdev=net2,addr=11.0,\(Self.modern)",
                ])
            defer { machine.testbed.stop() }
            try expectAnswers(machine, answer)
            gate.remove()
            try machine.expectStreams(in: ["e1000e", "virtio-net"], withoutExitsOf: ["e1000e", "virtio-net"])
        }

        @Test func virtualFunctionsOfTwoPartitionsTalk() throws {
            try buildDeviceGuests()
            // QEMU 10.0.2 decodes the lower half of their addresses alone. With an expansion ROM, whatever is in
            // it, firmware gives a function and its virtual ones no addresses beyond 4 GiB.
            let rom = try DeviceFile(bytes: 4096, header: "none")
            let machine = try BootedMachine(
                manifest: "device-functions", iommu: .vtd,
                extra: ["-netdev", "user,id=net,restrict=on"] + ports(["igb,netdev=net,romfile=\(rom.url.path)"]))
            defer { machine.testbed.stop() }
            // The virtual functions answer once their owner's driver is up.
            try machine.guest("port").wait(for: "@bulkhead functions enabled=2 ", seconds: 180)
            for partition in ["server", "reader"] { try machine.client.change(.start, partition) }
            let server = machine.guest("server"), reader = machine.guest("reader")
            let served = try server.wait(for: "@bulkhead serve ", seconds: 120)
            #expect(
                try reader.wait(for: "@bulkhead ping ", seconds: 120) == "@bulkhead ping peer=10.9.0.2 received=20")
            let fetched = try reader.wait(for: "@bulkhead fetched ", seconds: 120)
            #expect(fetched.hasPrefix("@bulkhead fetched bytes=1048576 sha256="))
            #expect(fetched.suffix(64) == served.suffix(64))
            try machine.expectStreams(in: ["reader"], withoutExitsOf: ["reader", "server"])
            try expectOwnersStopAndStart(["server", "reader"], when: "port", restartsOn: machine)
            // What they have is as good as new.
            let line = reader.lines.count
            for partition in ["server", "reader"] { try machine.client.change(.restart, partition) }
            let again = try reader.wait(for: "@bulkhead ping ", from: line, seconds: 180)
            #expect(again == "@bulkhead ping peer=10.9.0.2 received=20")
            for partition in ["port", "server", "reader"] {
                #expect(try machine.events(of: partition, from: 0).allSatisfy { $0.kind == .state })
            }
        }

        /// A reset of the physical function takes the virtual ones away: their owners' guests end before, and start again
        /// behind it, whether they have a manager's leave to do so or not.
        private func expectOwnersStopAndStart(
            _ owners: [String], when port: String, restartsOn machine: BootedMachine
        ) throws {
            let guest = machine.guest(port), starts = try owners.map { try machine.info($0).starts }
            try guest.exchange()
            _ = try machine.events(of: port, from: 0)
            let line = guest.lines.count, first = machine.events.count
            try machine.client.change(.restart, port)
            try guest.wait(for: "@bulkhead functions enabled=2 ", from: line, seconds: 180)
            let own = try machine.events(of: port, from: first)
            #expect(own.map(\.state) == [.stopping, .starting, .running])
            for (owner, starts) in zip(owners, starts) {
                let info = try machine.wait(owner, seconds: 60) { $0.state == .running }
                #expect(info.cause == .physicalFunction && info.starts == starts + 1)
                let told = try machine.events(of: owner, from: first)
                #expect(told.map(\.state) == [.stopping, .starting, .running] && told.count == 3)
                #expect(told.allSatisfy { $0.cause == .physicalFunction })
                guard own.count == 3, told.count == 3 else { continue }
                #expect(told[0].clockMicroseconds >= own[0].clockMicroseconds)
                // A function level reset, and virtual functions that are left alone at first, take 100 ms each.
                #expect(told[2].clockMicroseconds >= told[0].clockMicroseconds + 200_000)
            }
        }
    }
}
