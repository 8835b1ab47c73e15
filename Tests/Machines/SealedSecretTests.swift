import Control
import ControlClient
import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import Seal
import SignedImages
import TPM
import TestKit
import Testing
import Trust

extension MachineTests {
    /// One machine through the starts of its life, with its TPM (swtpm): before anything is sealed, with a sealed secret, with a kernel that
    /// somebody has changed, with another owner's program, and with manifests that are too old.
    @Suite(.serialized, .stopsMachines) struct SealedSecrets {
        private static let secret = (0..<32).map { _ in UInt8.random(in: 0...255) }

        @Test func aSecretIsForItsPartitionAlone() throws {
            let machine = try SealedMachine(secret: Self.secret)
            defer { machine.tpm.stop() }
            try withoutItsFileItsGuestHasNone(machine)
            let file = try machine.seal(Self.secret)
            try itsPartitionIsHandedItAndNobodyElse(machine, file)
        }

        @Test(.nightly) func whatIsNotTheOwnersIsHandedNothing() throws {
            let machine = try SealedMachine(secret: Self.secret)
            defer { machine.tpm.stop() }
            try machine.boot("first", sealed: nil).machine.cutPower()
            let file = try machine.seal(Self.secret)
            try aChangedKernelIsHandedNothing(machine, file)
            try anotherOwnerAndAnotherSecretAreRefused(machine, file)
        }

        /// Until it is sealed its guest is handed nothing, and may ask for another key.
        private func withoutItsFileItsGuestHasNone(_ machine: SealedMachine) throws {
            let boot = try machine.boot("unsealed", sealed: nil)
            defer { boot.machine.cutPower() }
            let guest = ScriptedGuest("work", boot.client, on: boot.machine)
            #expect(try guest.wait(for: "@bulkhead secret ", seconds: 180) == "@bulkhead secret none")
            expect(boot, "image work.sealed: there is no such file on the boot volume")
        }

        private func expect(_ boot: RefusalMachine, _ words: String) {
            let line = "bulkhead: " + words
            let found = boot.machine.wait(seconds: 20) { $0 == line ? true : nil }
            #expect(found != nil, "\(words): \(boot.lines)")
        }

        /// The guest has it, in a file of root's, at each start; nobody else has a copy, and the TPM gives it out no more.
        private func itsPartitionIsHandedItAndNobodyElse(_ machine: SealedMachine, _ file: [UInt8]) throws {
            let boot = try machine.boot("sealed", sealed: file)
            defer { boot.machine.cutPower() }
            let guest = ScriptedGuest("work", boot.client, on: boot.machine)
            let words =
                "@bulkhead secret size=32 mode=400 owner=0 sha256="
                + SecretFile.hexadecimal(SHA256.digest(Data(Self.secret)))
            #expect(try guest.wait(for: "@bulkhead secret ", seconds: 180) == words)
            try expectNoCopies(boot, machine)
            // OVMF was asked, and refuses: it has no such variable, and lets nobody make it.
            expect(boot, "the firmware does not clear memory at a reset: a secret stays in it")
            let lines = guest.lines.count
            try boot.client.change(.restart, "work")
            #expect(try guest.wait(for: "@bulkhead secret ", from: lines, seconds: 180) == words)
            boot.machine.cutPower()
            // As a partition that has the TPM could try: PCR 11 is another one now.
            let codes = try machine.run(file)
            #expect(codes[1] == 0x1C4 && codes[3] == 0x99D, "\(codes)")
            let expected = try machine.volume.expected()
            #expect(try machine.pcr(11) == expected.pcrs["sha384"]?["11"] && expected.events.last?.object == "closed")
        }

        /// In the partition's own memory, and where its core took it from: the pages of its sealed file.
        private func expectNoCopies(_ boot: RefusalMachine, _ machine: SealedMachine) throws {
            let snapshot = try Snapshot(boot.machine, machine.volume.workspace, name: "secrets")
            let ownership = try OwnershipReader(snapshot.memory, partitions: ["work", "neighbour"])
            let copies = snapshot.copies(of: Self.secret, ownership)
            let isOwn = { (copy: String) in copy.contains("(work's memory ") || copy.contains("(work's image ") }
            #expect(
                copies.count(where: { $0.contains("(work's image ") }) == 4 && copies.allSatisfy(isOwn), "\(copies)")
        }

        /// A bit of the kernel, and it is not handed out: the TPM has opened it, the partition's core does not start the image.
        private func aChangedKernelIsHandedNothing(_ machine: SealedMachine, _ file: [UInt8]) throws {
            let boot = try machine.boot("changed-kernel", sealed: file, changes: "work-kernel")
            defer { boot.machine.cutPower() }
            let info = try machine.settled(boot)
            #expect(info.state == .crashed && info.cause == .badImage && info.starts == 0)
            expect(boot, "image work-kernel of partition work is not what the manifest names")
            try expectNoCopies(boot, machine)
        }

        /// Another program that firmware starts, with another key in it; and who has sealed a secret of his own for this machine.
        private func anotherOwnerAndAnotherSecretAreRefused(_ machine: SealedMachine, _ file: [UInt8]) throws {
            let other = try SealedVolume("secrets-other", secret: Self.secret)
            let boot = try machine.boot("other-owner", sealed: file, volume: other)
            expect(boot, "the secret of partition work stays closed: TPM command 1, response 0x1c4")
            boot.machine.cutPower()
            let forged = try machine.seal([UInt8](repeating: 7, count: 32))
            let next = try machine.boot("other-secret", sealed: forged)
            defer { next.machine.cutPower() }
            #expect(try machine.settled(next).cause == .badImage)
            expect(next, "image work.sealed of partition work is not what the manifest names")
        }

        /// Once its guest has done what it may not, no next one has it; a guest that a manager restarts has.
        @Test func afterAViolationItIsWithheld() throws {
            let machine = try SealedMachine(secret: Self.secret, isHostile: true)
            defer { machine.tpm.stop() }
            try machine.boot("hostile-first", sealed: nil).machine.cutPower()
            let boot = try machine.boot("hostile", sealed: machine.seal(Self.secret))
            defer { boot.machine.cutPower() }
            let guest = ScriptedGuest("work", boot.client, on: boot.machine)
            // As the loader has left it for the guest: behind its images, in its memory.
            func isHanded() throws -> Bool {
                try guest.wait(
                    for: "@ready", from: guest.lines.lastIndex { $0.hasPrefix("@hostile start") } ?? 0, seconds: 60)
                let snapshot = try Snapshot(boot.machine, machine.volume.workspace, name: "withheld")
                let ownership = try OwnershipReader(snapshot.memory, partitions: ["work", "neighbour"])
                return snapshot.copies(of: Self.secret, ownership).contains { $0.contains("(work's memory ") }
            }
            func start(_ operation: ControlOperation) throws {
                let lines = guest.lines.count
                try boot.client.change(operation, "work")
                try guest.wait(for: "@hostile start", from: lines, seconds: 60)
            }
            #expect(try isHanded())
            try start(.restart)
            #expect(try isHanded())
            guest.type(line: "memory:fetch@hole")
            try guest.exchange()
            let deadline = boot.machine.deadline(seconds: 60)
            var info = try machine.settled(boot)
            while info.state != .crashed, !deadline.isOver { info = try machine.settled(boot) }
            #expect(info.state == .crashed && info.cause == .violation)
            try start(.start)
            #expect(try !isHanded())
        }

        /// Versions below the TPM's counter are refused, and a manifest without one; whose number is not a counter's, all.
        @Test func anOldManifestIsRefused() throws {
            let machine = try SealedMachine(secret: Self.secret, isHostile: true)
            defer { machine.tpm.stop() }
            func manifest(_ version: UInt64?) throws -> SealedVolume {
                try SealedVolume(
                    "secrets-version", secret: Self.secret, keys: machine.volume.keys, version: version, isHostile: true
                )
            }
            func refused(_ version: UInt64?, _ least: UInt64) throws -> RefusedVolume {
                let volume = try manifest(version)
                let words =
                    "the manifest's security version is \(version ?? 0); the TPM's counter admits none below \(least)"
                return RefusedVolume(
                    name: "version-\(version ?? 0)", manifest: volume.content.manifest, reason: words,
                    hypervisor: volume.content.hypervisor, images: volume.content.images)
            }
            // Without a counter nothing is too old.
            try machine.boot("counter", sealed: nil).machine.cutPower()
            let least = try machine.makeCounter()
            try machine.boot(
                "versions", sealed: nil, volume: manifest(least + 7),
                before: [refused(nil, least), refused(least - 1, least)]
            ).machine.cutPower()
            #expect(try RollbackCounter(machine.connection()).state() == .value(least))
        }
    }

    /// An installation of Debian on a passed-through NVMe disk inside LUKS2, which is opened by what the TPM opens, and by nobody's hand.
    @Suite(.serialized, .stopsMachines, .nightly) struct SealedDisk {
        @Test func itOpensOnItsMachineAlone() throws {
            let workspace = try Workspace.current()
            let key = Array(try Example.passphrase(workspace).utf8)
            let disk = try SealedVolume.Disk(workspace)
            let machine = try SealedMachine(secret: key, disk: disk)
            defer { machine.tpm.stop() }
            try machine.boot("disk-first", sealed: nil).machine.cutPower()
            let file = try machine.seal(key)
            let boot = try machine.boot("disk", sealed: file)
            let guest = ScriptedGuest("work", boot.client, on: boot.machine)
            let root = try guest.wait(for: "@bulkhead root ", seconds: 240)
            #expect(root == "@bulkhead root device=/dev/nvme0n1 cipher=aes-xts-plain64")
            try guest.wait(for: "Debian GNU/Linux 12 debian ttyS0", seconds: 240)
            guest.type(line: "root")
            try guest.wait(for: "debian login: root", seconds: 60)
            guest.type(line: "ls /bulkhead; lsblk -n -o TYPE,MOUNTPOINTS")
            #expect(try guest.wait(for: "crypt", seconds: 60).contains("/"))
            boot.machine.cutPower()
            // A TPM that was cleared, or the disk in another machine: the disk stays closed.
            let other = try SealedMachine(secret: key, disk: disk)
            defer { other.tpm.stop() }
            let closed = try other.boot("disk-elsewhere", sealed: file)
            defer { closed.machine.cutPower() }
            let stays = ScriptedGuest("work", closed.client, on: closed.machine)
            let words = "@bulkhead error this partition was handed no secret"
            #expect(try stays.wait(for: "@bulkhead error ", seconds: 240) == words)
        }
    }
}

/// A signed boot volume with two partitions, one of which has a secret.
private struct SealedVolume {
    let content: BootVolumeImage
    let folder: URL
    let workspace: Workspace
    let keys: KeyFolder

    /// An NVMe disk with Debian inside LUKS2, which the partition owns.
    struct Disk {
        let image: URL
        init(_ workspace: Workspace) throws {
            try output(of: workspace.root.appending(path: "Guests/build-service").path, ["--root"])
            image = workspace.cache.appending(path: "guests/debian-luks.img")
        }
    }

    /// - Parameters:
    ///   - keys: the owner's; nil: another owner.
    ///   - version: the manifest's security version.
    ///   - isHostile: whether its guest does what it is told on its console.
    init(
        _ name: String, secret: [UInt8], keys given: KeyFolder? = nil, version: UInt64? = nil, disk: Disk? = nil,
        isHostile: Bool = false
    ) throws {
        workspace = try Workspace.current()
        try buildAdversaries(workspace)
        try buildDeviceGuests()
        folder = workspace.cache.appending(path: "tests/\(name)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let guests = [
            ("work-kernel", isHostile ? "images/hostile.elf" : "guests/vmlinux-device"),
            ("work-initrd", disk == nil ? "guests/device.cpio" : "guests/service.cpio"),
            ("neighbour.elf", "images/neighbour.elf"),
        ]
        for (file, source) in guests {
            try FileManager.default.copyItem(
                at: workspace.cache.appending(path: source), to: folder.appending(path: file))
        }
        let yaml = """
            name: sealed
            machine: {cores: 3, memory: 640M}
            housekeeping: 0
            link: serial
            \(version.map { "security-version: \($0)\n" } ?? "")partitions:
              - name: work
                cores: [1]
                memory: \(disk == nil ? "256M" : "512M")
                permit: all
                image: {kernel: work-kernel, initrd: work-initrd}
                command-line: \(isHostile ? "attack=ask" : "console=ttyS0 loglevel=3 8250.nr_uarts=1") bulkhead.run=\(disk == nil ? "secret" : "disk-own")\(disk == nil ? "" : "\n    devices: [{pci: '00:10.0', id: '1b36:0010'}]")
                secret: \(Digest384(of: Data(secret)).text)
              - {name: neighbour, cores: [2], memory: 32M, permit: all, image: neighbour.elf}
            """
        let file = folder.path + "/machine.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: file))
        let encoded = try compileManifest(file, images: .folder(folder.path)).1
        let images = ["work-kernel", "work-initrd"]
            .map { [folder] in BootVolumeImage.Image(path: $0, source: folder.appending(path: $0)) }
        var content = BootVolumeImage(hypervisor: workspace.hypervisor, manifest: encoded, images: images)
        keys = given ?? KeyFolder(folder.path + "/keys")
        let passphrase = Passphrase("correct horse")
        if given == nil { try keys.create(height: 5, passphrase, Scrypt(cost: 2)) }
        try content.sign(with: keys, passphrase, in: folder)
        self.content = content
    }

    func expected() throws -> ExpectedMeasurements {
        let target = folder.appending(path: "volume")
        var content = content
        content.images.append(.init(path: "neighbour.elf", source: folder.appending(path: "neighbour.elf")))
        try content.writeFolder(target, mayBeUnsigned: true)
        return try ExpectedMeasurements(
            VolumeReader(target), key: OwnerSection.key(of: content.hypervisor), version: HypervisorVersion.text)
    }
}

/// A machine whose TPM stays what it is from one start to the next.
private final class SealedMachine {
    let tpm: SoftwareTPM
    let volume: SealedVolume

    private let disk: SealedVolume.Disk?

    init(secret: [UInt8], disk: SealedVolume.Disk? = nil, isHostile: Bool = false) throws {
        self.disk = disk
        tpm = try SoftwareTPM()
        let name = isHostile ? "secrets-hostile" : disk == nil ? "secrets" : "secrets-disk"
        volume = try SealedVolume(name, secret: secret, disk: disk, isHostile: isHostile)
    }

    /// Once a machine was started by it, and has no power any more.
    func connection() throws -> TPMConnection { try TPMConnection("swtpm:" + tpm.control.path) }

    /// - Parameters:
    ///   - changes: an image of which a bit is another one.
    ///   - before: what is refused before it, in the same power-on.
    func boot(
        _ name: String, sealed: [UInt8]?, volume given: SealedVolume? = nil, changes: String? = nil,
        before: [RefusedVolume] = []
    ) throws -> RefusalMachine {
        let volume = given ?? volume
        var images = volume.content.images
        if let sealed {
            let file = volume.folder.appending(path: "\(name).sealed")
            try Data(sealed).write(to: file)
            images.append(.init(path: "work.sealed", source: file))
        }
        if let changes, let at = images.firstIndex(where: { $0.path == changes }) {
            var bytes = try Data(contentsOf: images[at].source)
            bytes[bytes.count / 2] ^= 1
            let file = volume.folder.appending(path: "\(name).changed")
            try bytes.write(to: file)
            images[at] = .init(path: changes, source: file)
        }
        var emulator = Emulator(.amd)
        (emulator.cores, emulator.memory, emulator.tpm) = (3, 1 << 30, tpm.control)
        if let disk {
            emulator.iommu = .vtd
            emulator.extra += [
                "-drive", "if=none,id=root,format=raw,snapshot=on,file=\(disk.image.path)",
                "-device", "nvme,drive=root,serial=1,addr=10.0",
            ]
        }
        return try RefusalMachine(
            "secrets-\(name)",
            before + [
                RefusedVolume(
                    name: "volume", manifest: volume.content.manifest, reason: "",
                    hypervisor: volume.content.hypervisor,
                    images: images)
            ], emulator)
    }

    /// The partition with the secret, when it runs or never will.
    func settled(_ boot: RefusalMachine) throws -> PartitionInfo {
        let deadline = boot.machine.deadline(seconds: 120)
        while true {
            let info = try #require(try boot.client.list().first)
            if [.running, .crashed].contains(info.state) || deadline.isOver { return info }
        }
    }

    /// What goes to the boot volume: sealed to PCR 7 as the machine had it at its last start.
    /// Makes the counter and raises it by two. swtpm talks to one at a time: the next machine waits until this is over.
    func makeCounter() throws -> UInt64 {
        let counter = try RollbackCounter(connection())
        return try counter.raise(to: counter.create().value + 2)
    }

    func seal(_ secret: [UInt8]) throws -> [UInt8] {
        let key = try #require(try OwnerSection.key(of: volume.content.hypervisor))
        return try SealedSecret(secret, SealedSecret.Plan(ownerKey: key), connection()).commands.bytes
    }

    func pcr(_ number: Int) throws -> String? {
        try connection().readPCRs(PCRSelection(.sha384, [number]))[number].map { SecretFile.hexadecimal($0) }
    }

    /// The response codes of a sealed file's commands, sent as root mode does.
    func run(_ file: [UInt8]) throws -> [UInt32] {
        let pipe = try connection()
        var list = TPMCommandList(), bytes = file, codes: [UInt32] = []
        while let next = unsafe bytes.withUnsafeMutableBytes({ unsafe list.next(in: $0) }) {
            var response = try pipe.transmit(Array(bytes[next.bytes]), .unseal)
            response += [UInt8](repeating: 0, count: max(0, 128 - response.count))
            codes.append(unsafe response.withUnsafeBytes { unsafe list.take($0).code })
        }
        return codes
    }
}
