import Control
import ControlClient
import Foundation
import Inventory
import Machines
import Manifest
import ManifestFile
import Testing

extension MachineTests {
    /// What the hypervisor finds at boot, a manifest that follows from it, and what Linux finds on the same machine.
    @Suite(.serialized, .stopsMachines) struct Inventories {
        private static let workspace = Workspace(
            root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent())

        /// Six threads, two or one to a core (Linux knows AMD's by TOPOEXT alone, which QEMU does not emulate); ports of their
        /// own, a switch, two functions of one device, a bridge to conventional PCI, virtual functions.
        private static func machine(threads: Int) -> (emulator: Emulator, devices: [String]) {
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (6, 512 << 20)
            let devices = [
                "-smp", "6,threads=\(threads)",
                "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4", "-device", "igb,bus=port1",
                "-device", "pcie-root-port,id=port2,chassis=2,slot=2,addr=5", "-device", "e1000e,bus=port2",
                "-device", "pcie-root-port,id=port3,chassis=3,slot=3,addr=6", "-device",
                "x3130-upstream,id=up,bus=port3",
                "-device", "xio3130-downstream,id=left,bus=up,chassis=4,slot=0", "-device", "e1000e,bus=left",
                "-device", "xio3130-downstream,id=right,bus=up,chassis=5,slot=1",
                "-device", "virtio-rng-pci,bus=right,disable-legacy=on,iommu_platform=on",
                "-device", "edu,addr=8.0,multifunction=on", "-device", "edu,addr=8.1",
                "-device", "pcie-pci-bridge,id=bridge,addr=a", "-device", "edu,bus=bridge,addr=1",
            ]
            return (emulator, devices)
        }

        /// Boots a manifest there; its partitions and what the hypervisor has found, when all of them run.
        private static func boot(
            _ manifest: Manifest, _ name: String, threads: Int
        ) throws -> (partitions: [PartitionInfo], inventory: Inventory, disk: URL) {
            try buildAdversaries(workspace)
            let image = BootVolumeImage.Image(
                path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
            let disk = workspace.cache.appending(path: "tests/inventory-\(name).img")
            let bytes = try encodeManifest(manifest, file: name)
            try BootVolumeImage(hypervisor: workspace.hypervisor, manifest: bytes, images: [image]).writeImage(to: disk)
            var (emulator, devices) = machine(threads: threads)
            (emulator.iommu, emulator.extra) = (.vtd, devices)
            let log = workspace.cache.appending(path: "tests/inventory-\(name).log")
            let machine = try Machine(emulator, volume: disk, log: log)
            defer { machine.stop() }
            try machine.waitForHypervisor()
            let client = try ControlClient(machine)
            _ = try machine.explaining { try client.waitUntilUp(.seconds(30)) }
            let deadline = machine.deadline(seconds: 30)
            while true {
                let list = try client.list()
                guard list.allSatisfy({ $0.state == .running }) else {
                    try #require(!deadline.isOver, "\(list)")
                    Thread.sleep(forTimeInterval: 0.1)
                    continue
                }
                return (list, try Inventory(client), disk)
            }
        }

        /// One partition that has no device.
        private static func found(threads: Int) throws -> (inventory: Inventory, disk: URL) {
            let text = """
                name: found
                machine: {cores: 6, memory: 256M}
                housekeeping: 0
                link: serial
                partitions:
                  - {name: only, cores: [1], memory: 64M, image: neighbour.elf, accept: [split-smt]}

                """
            let manifest = try parseManifest(text, file: "found.yaml", images: .unchecked)
            let (_, inventory, disk) = try boot(manifest, "found", threads: threads)
            return (inventory, disk)
        }

        private static func plan(_ inventory: Inventory) throws -> Manifest {
            func at(_ id: String, _ place: Int = 0) throws -> String {
                let all = inventory.functions.filter { $0.id == id }.map(\.address)
                return try #require(all.count > place ? all[place] : nil, "\(all)")
            }
            let edu = "device=\(try at("1234:11e8")),reset=none,device=\(try at("1234:11e8", 1)),reset=none"
            let demands = [
                "network:cores=2,memory=64M,device=\(try at("8086:10c9")),virtual-functions=2,kernel=neighbour.elf",
                "others:cores=2,memory=64M,device=\(try at("8086:10d3")),\(edu),kernel=neighbour.elf",
            ]
            var manifest = try Planner(inventory).manifest(name: "planned", demands.map { try PartitionDemand($0) })
            manifest.link = .serial
            return manifest
        }

        @Test func whatIsPlannedFromItIsAccepted() throws {
            let (found, _) = try Self.found(threads: 2)
            #expect(found.cores.count == 6 && found.usableIommu && found.iommus.map(\.kind) == ["vt-d"])
            let manifest = try Self.plan(found)
            #expect(manifest.partitions[0].cores.count == 2 && manifest.partitions[1].devices.count == 3)
            let (partitions, again, _) = try Self.boot(manifest, "planned", threads: 2)
            #expect(partitions.map(\.title) == ["network", "others"])
            for (index, partition) in partitions.enumerated() {
                #expect(partition.cores == manifest.partitions[index].cores && partition.memory == 64 << 20)
            }
            // The same machine, whoever owns what.
            #expect(again.cores == found.cores && again.caches == found.caches && again.functions == found.functions)
            // A neighbour's devices: the hypervisor, which the planner does not ask, refuses that too.
            #expect(throws: Planner.Refused.self) {
                let left = "left:cores=1,memory=64M,device=00:08.0,reset=none"
                let right = "right:cores=1,memory=64M,device=00:08.1,reset=none"
                _ = try Planner(found).manifest(name: "split", [PartitionDemand(left), PartitionDemand(right)])
            }
        }

        /// The kernel is started without firmware of our own: where memory is free differs.
        @Test(.nightly) func linuxFindsTheSame() throws {
            let (found, disk) = try Self.found(threads: 1)
            let folder = try Self.recordLinux(disk)
            defer { try? FileManager.default.removeItem(at: folder) }
            let seen = Inventory(linux: folder.path)
            #expect(seen.source == "linux" && found.source == "bulkhead")
            #expect(seen.cores == found.cores)
            func sorted(_ caches: [Inventory.Cache]) -> [Inventory.Cache] {
                var caches = caches.sorted { ($0.level, $0.type, $0.cores[0]) < ($1.level, $1.type, $1.cores[0]) }
                // Linux takes the number of ways for a code there, on AMD's processors without leaf 8000001Dh.
                for index in caches.indices where caches[index].level == 1 { caches[index].ways = nil }
                return caches
            }
            #expect(sorted(seen.caches) == sorted(found.caches) && found.caches.count == 19)
            #expect(seen.iommus.map(\.kind) == found.iommus.map(\.kind) && seen.usableIommu == found.usableIommu)
            #expect(seen.features == found.features)
            // Firmware keeps some of it, each its own pieces.
            let difference = Int64(seen.memory.installedBytes) - Int64(found.memory.installedBytes)
            #expect(abs(difference) < 8 << 20, "\(seen.memory), \(found.memory)")
            for free in found.memory.ranges where free.base >= 1 << 20 {
                let isRAM = seen.memory.ranges.contains {
                    $0.base <= free.base && free.base + free.sizeBytes <= $0.base + $0.sizeBytes
                }
                #expect(isRAM, "\(free)")
            }
            #expect(seen.functions.map(\.address) == found.functions.map(\.address))
            for (linux, own) in zip(seen.functions, found.functions) {
                #expect(linux.id == own.id && linux.classCode == own.classCode && linux.bridge == own.bridge, "\(own)")
                #expect(linux.group == own.group && linux.virtualFunctions == own.virtualFunctions, "\(linux) \(own)")
                if !own.bridge { #expect(linux.bars == own.bars, "\(own)") }
                // The hypervisor names the one that it would use.
                if !own.bridge { #expect(own.resets.allSatisfy(linux.resets.contains), "\(linux) \(own)") }
            }
            #expect(try encodeManifest(Self.plan(seen), file: "linux") == encodeManifest(Self.plan(found), file: "own"))
        }

        /// What Linux shows of the machine in `sys` and `proc`, in a folder.
        private static func recordLinux(_ disk: URL) throws -> URL {
            try buildDeviceGuests()
            var (emulator, devices) = machine(threads: 1)
            // The disk is a function too.
            emulator.extra =
                ["-device", "intel-iommu,intremap=on,eim=on"] + [
                    "-drive", "if=none,id=boot,format=raw,snapshot=on,file=\(disk.path)",
                    "-device", "virtio-blk-pci,drive=boot",
                ] + devices
            let guests = workspace.cache.appending(path: "guests")
            let kernel = Emulator.DirectKernel(
                kernel: guests.appending(path: "vmlinux-device"), initrd: guests.appending(path: "device.cpio"),
                commandLine: "console=ttyS0 loglevel=3 bulkhead.run=inventory")
            let machine = try Machine(
                bare: emulator, kernel, log: workspace.cache.appending(path: "tests/inventory-linux.log"))
            defer { machine.stop() }
            let end = machine.wait(seconds: 180) { $0.contains("@bulkhead done") ? true : nil }
            try machine.requireRunning()
            try #require(end != nil, "\(machine.console.lines.suffix(5))")
            let lines = machine.console.lines.compactMap { line in
                line.range(of: "@bulkhead archive ").map { line[$0.upperBound...] }
            }
            let archive = try #require(Data(base64Encoded: lines.joined()))
            let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-linux-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let file = folder.appending(path: "archive")
            try archive.write(to: file)
            try output(of: "/bin/tar", ["-xzf", file.path, "-C", folder.path])
            return folder
        }
    }
}
