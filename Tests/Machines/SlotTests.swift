import ControlClient
import Foundation
import Installation
import Machines
import Manifest
import ManifestFile
import Testing

extension MachineTests {
    /// A stick that `bulkhead install --disk` has made, in an emulated machine: firmware, systemd-boot, hypervisor.
    @Suite(.serialized, .stopsMachines) struct Slots {
        private static let workspace = Workspace(
            root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent())
        private static let bootManager = URL(filePath: "/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
        private let stick = workspace.cache.appending(path: "tests/slots.img")

        /// One partition; the machine's name tells which system was started.
        private func content(_ name: String) throws -> SlotContent {
            try buildAdversaries(Self.workspace)
            let text = """
                name: \(name)
                housekeeping: 0
                link: serial
                partitions:
                  - {name: one, cores: 1, memory: 64M, image: neighbour.elf, permit: all}
                """
            let manifest = try parseManifest(text, file: name, images: .unchecked)
            let image = BootVolumeImage.Image(
                path: "neighbour.elf", source: Self.workspace.cache.appending(path: "images/neighbour.elf"))
            return SlotContent(
                BootVolumeImage(
                    hypervisor: Self.workspace.hypervisor, manifest: try encodeManifest(manifest, file: name),
                    images: [image]))
        }

        private func open() throws -> SlotDisk { try SlotDisk(try SectorFile(stick.path, isWritable: true)) }

        /// Starts the machine from the stick; the name of the machine that answers.
        private func start() throws -> String {
            let empty = Self.workspace.cache.appending(path: "tests/slots-empty.img")
            try Data(count: 1 << 20).write(to: empty)
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            emulator.extra = [
                "-device", "qemu-xhci,id=usb", "-drive", "if=none,id=stick,format=raw,file=\(stick.path)",
                "-device", "usb-storage,bus=usb.0,drive=stick,bootindex=1",
            ]
            let log = Self.workspace.cache.appending(path: "tests/slots.log")
            let machine = try Machine(emulator, volume: empty, log: log)
            defer { machine.stop() }
            try machine.waitForHypervisor()
            let client = try ControlClient(machine)
            _ = try machine.explaining { try client.waitUntilUp(.seconds(30)) }
            let name = try client.hello().name
            return String(decoding: (0..<name.count).map { name.bytes[$0] }, as: UTF8.self)
        }

        @Test func anUpdateIsTriedAndFallsBackUnlessItIsConfirmed() throws {
            let old = try content("old"), new = try content("new")
            try? FileManager.default.removeItem(at: stick)
            try SlotDisk.create(
                on: try SectorFile(new: stick.path, size: try SlotDisk.size(for: old)), old,
                bootManager: Self.bootManager)
            #expect(try start() == "old")
            #expect(try open().update(new, tries: 1) == .b)
            #expect(try start() == "new")
            // The boot manager has counted; nobody has confirmed.
            #expect(try open().states()[1].entry?.triesLeft == 0)
            #expect(try start() == "old")
            #expect(try open().update(new, tries: 1) == .b)
            #expect(try start() == "new")
            // Its last start, and it is healthy: whoever runs in it says so.
            #expect(throws: MachineError.self) { try open().confirm() }
            #expect(try open().confirm(.b).slot == .b)
            #expect(try start() == "new")
            #expect(try open().rollback() == .a)
            #expect(try start() == "old")
        }
    }
}
