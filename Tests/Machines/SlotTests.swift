import ControlClient
import Foundation
@testable import Installation
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
            return try start(
                empty,
                [
                    "-device", "qemu-xhci,id=usb", "-drive", "if=none,id=stick,format=raw,file=\(stick.path)",
                    "-device", "usb-storage,bus=usb.0,drive=stick,bootindex=1",
                ])
        }

        private func start(_ volume: URL, _ extra: [String]) throws -> String {
            var emulator = Emulator()
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            emulator.extra = extra
            let log = Self.workspace.cache.appending(path: "tests/slots.log")
            let machine = try Machine(emulator, volume: volume, log: log)
            defer { machine.stop() }
            try machine.waitForHypervisor()
            let client = try ControlClient(machine)
            _ = try machine.explaining { try client.waitUntilUp(.seconds(30)) }
            let name = try client.hello().name
            return String(decoding: (0..<name.count).map { name.bytes[$0] }, as: UTF8.self)
        }

        /// Two slots in one volume, as beside another system: a letter in the boot entry's options leads to the files. Here
        /// systemd-boot gives it, in the firmware's place.
        @Test func slotsInFolders() throws {
            let volume = Self.workspace.cache.appending(path: "tests/slots-folders.img")
            let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-slots-\(UUID().uuidString)")
            defer { for place in [volume, folder] { try? FileManager.default.removeItem(at: place) } }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let slots = SystemSlots(try SystemPartition(folder.path))
            _ = try slots.install(try content("first"), isDefault: false)
            try slots.write(try content("second"), .b, version: 2)
            for (path, text) in [
                ("loader/loader.conf", "timeout 0\ndefault second.conf\n"),
                ("loader/entries/second.conf", "title b\nefi /EFI/BULKHEAD/b/BULKHEAD.EFI\noptions b\n"),
            ] {
                let file = folder.appending(path: path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
            try FileManager.default.createDirectory(
                at: folder.appending(path: "EFI/BOOT"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: Self.bootManager, to: folder.appending(path: "EFI/BOOT/BOOTX64.EFI"))
            try Data(count: 64 << 20).write(to: volume)
            try Tool.run("mformat", ["-i", volume.path, "-c", "16", "::"])
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                try Tool.run("mcopy", ["-s", "-i", volume.path, folder.appending(path: name).path, "::/"])
            }
            #expect(try start(volume, []) == "second")
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
