import Foundation
import Keys
import Machines
import ManifestFile
import SignedImages
import Testing
import Trust

/// A boot volume in a folder, signed by an owner, with small images.
struct SignedVolume {
    let root = FileManager.default.temporaryDirectory.appending(path: "bulkhead-volume-\(UUID().uuidString.prefix(8))")
    let keys: KeyFolder
    static let passphrase = Passphrase("correct horse")
    var volume: URL { root.appending(path: "volume") }

    var program: URL { root.appending(path: "BULKHEAD.EFI") }

    /// - Parameter owner: whose keys of Secure Boot sign it too; nil: nobody's.
    init(secureBoot owner: String? = nil) throws {
        keys = KeyFolder(root.path + "/keys")
        try keys.create(height: 5, Self.passphrase, Scrypt(cost: 2), secureBoot: owner)
        for (name, size) in [("kernel", 3000), ("initrd", 2000)] {
            try Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: root.appending(path: name))
        }
        try Self.program().write(to: program)
        let yaml = """
            name: signed
            housekeeping: 0
            partitions:
              - {name: work, cores: [1], memory: 64M, image: {kernel: kernel, initrd: initrd}}
            """
        try Data(yaml.utf8).write(to: root.appending(path: "machine.yaml"))
        let bytes = try compileManifest(root.path + "/machine.yaml", images: .folder(root.path)).1
        var content = BootVolumeImage(
            hypervisor: program, manifest: bytes,
            images: ["kernel", "initrd"].map { .init(path: $0, source: root.appending(path: $0)) })
        try content.sign(with: keys, Self.passphrase, in: root.appending(path: "signed"))
        try content.writeFolder(volume)
    }

    /// What stands for a program: a header as `image.ld` makes it (PE32+ with 16 directories), and nothing that runs.
    static func program() -> Data {
        var image = [UInt8](repeating: 0xCC, count: 8192)
        for i in 0..<4096 { image[i] = 0 }
        image.replaceSubrange(0..<2, with: [0x4D, 0x5A])
        image[0x3C] = 0x40
        image.replaceSubrange(0x40..<0x44, with: Array("PE\0\0".utf8))
        image.replaceSubrange(0x44..<0x48, with: [0x64, 0x86, 2, 0])
        (image[0x54], image[0x58], image[0x59], image[0xC4]) = (0xF0, 0x0B, 2, 16)
        image.replaceSubrange(0x90..<0x94, with: [0, 0x20, 0, 0])
        return Data(image)
    }

    func check() throws -> BootVolumeCheck { try BootVolumeCheck(VolumeReader(volume), keys, program: program) }
    func remove() { try? FileManager.default.removeItem(at: root) }
}

@Suite struct FlippedBitTests {
    /// Each object with one bit changed: found, by its name. 3,400 bits and more.
    @Test func eachBitCounts() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        #expect(try signed.check().isGood && signed.check().objects.count == 4)
        var flips = 0
        var accepted: [String] = []
        for (path, bits) in [
            // Each bit of the key, then of the whole program some.
            ("EFI/BOOT/BOOTX64.EFI", Array(8192 * 8..<(8192 + 52) * 8)), ("EFI/BOOT/BOOTX64.EFI", []),
            ("BULKHEAD/manifest.cbor", []), ("BULKHEAD/kernel", []), ("BULKHEAD/initrd", []),
        ] {
            let file = signed.volume.appending(path: path), good = try Data(contentsOf: file)
            let all = bits.isEmpty ? Array(stride(from: 0, to: good.count * 8, by: max(1, good.count * 8 / 900))) : bits
            for bit in all {
                var bad = good
                bad[bit / 8] ^= 1 << UInt8(bit % 8)
                try bad.write(to: file)
                let check = try signed.check()
                flips += 1
                if check.objects.first(where: { !$0.isGood })?.name != path { accepted.append("\(path), bit \(bit)") }
            }
            try good.write(to: file)
        }
        #expect(accepted == [])
        #expect(flips >= 3400, "\(flips)")
    }

    /// With nothing to hold it against, a program is not called good.
    @Test func aProgramThatNobodyCanCheck() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        for program in [nil, signed.root.appending(path: "nothing")] {
            let check = try BootVolumeCheck(VolumeReader(signed.volume), signed.keys, program: program)
            #expect(!check.isGood && !check.objects[0].isGood && !check.objects[0].isChecked)
            #expect(check.objects[0].words.hasPrefix("not checked"))
            #expect(check.objects.dropFirst().allSatisfy { $0.isGood && $0.isChecked })
        }
        var other = SignedVolume.program()
        other[5000] = 0
        let file = signed.root.appending(path: "OTHER.EFI")
        try other.write(to: file)
        let check = try BootVolumeCheck(VolumeReader(signed.volume), signed.keys, program: file)
        #expect(!check.objects[0].isGood && check.objects[0].isChecked)
        // Keys that others could have put there.
        #expect(unsafe chmod(signed.keys.folder.path, 0o770) == 0)
        #expect(throws: KeyError.exposed(folder: signed.keys.folder.path)) { try signed.check() }
        #expect(unsafe chmod(signed.keys.folder.path, 0o700) == 0)
        // Revoked, and a list that nobody can read.
        try Data("?".utf8).write(to: signed.keys.folder.appending(path: "revoked"))
        #expect(throws: KeyError.self) { try signed.check() }
    }

    @Test func changedWhole() throws {
        let signed = try SignedVolume(), other = try SignedVolume()
        defer {
            signed.remove()
            other.remove()
        }
        func bad(_ path: String, _ change: (URL) throws -> Void) throws -> String {
            let file = signed.volume.appending(path: path), good = try Data(contentsOf: file)
            try change(file)
            defer { try? good.write(to: file) }
            let found = try signed.check().objects.first { !$0.isGood }
            #expect(found?.name == path)
            return found?.words ?? ""
        }
        let manifest = "BULKHEAD/manifest.cbor", kernel = "BULKHEAD/kernel"
        let others = try Data(contentsOf: other.volume.appending(path: manifest))
        #expect(try bad(manifest) { try others.write(to: $0) }.contains("not signed by the key"))
        #expect(try bad(manifest) { try Data(contentsOf: $0).dropLast().write(to: $0) }.contains("not signed"))
        #expect(try bad(manifest) { try (Data(contentsOf: $0) + [0]).write(to: $0) }.contains("not signed"))
        #expect(try bad(manifest) { try FileManager.default.removeItem(at: $0) }.contains("not there"))
        #expect(try bad(kernel) { try Data(contentsOf: $0).dropLast().write(to: $0) }.contains("partition work"))
        let initrd = try Data(contentsOf: signed.volume.appending(path: "BULKHEAD/initrd"))
        #expect(try bad(kernel) { try initrd.write(to: $0) }.contains("partition work"))
        let program = "EFI/BOOT/BOOTX64.EFI"
        let otherProgram = try Data(contentsOf: other.volume.appending(path: program))
        #expect(try bad(program) { try otherProgram.write(to: $0) }.contains("another owner's key"))
        #expect(try bad(program) { try SignedVolume.program().write(to: $0) }.contains("no owner's key"))
        // What a revoked key has signed.
        _ = try signed.keys.revoke()
        #expect(try signed.check().objects.contains { $0.words.contains("is revoked") })
    }

    /// What of an image cannot be read is said to be that, and all the rest is verified.
    @Test func aFileThatCannotBeRead() throws {
        let signed = try SignedVolume(), image = signed.root.appending(path: "disk.img")
        defer { signed.remove() }
        // Clusters of 512 bytes, and so many that an entry of the table has 16 bits.
        try Tool.run("mformat", ["-C", "-i", image.path, "-T", "8192", "-c", "1", "::"])
        let tops = ["EFI", "BULKHEAD"].map { signed.volume.appending(path: $0).path }
        try Tool.run("mcopy", ["-s", "-i", image.path] + tops + ["::/"])
        func check() throws -> BootVolumeCheck {
            try BootVolumeCheck(VolumeReader(image), signed.keys, program: signed.program)
        }
        #expect(try check().isGood && check().objects.count == 4)
        // The kernel's chain ends with its first cluster.
        var disk = try Data(contentsOf: image)
        let entry = try #require(disk.range(of: Data("KERNEL     ".utf8))).lowerBound
        let first = Int(disk[entry + 26]) | Int(disk[entry + 27]) << 8
        for table in 0..<Int(disk[16]) {
            let start = (Int(disk[14]) + table * Int(disk[22])) * 512 + first * 2
            disk.replaceSubrange(start..<start + 2, with: [0, 0])
        }
        try disk.write(to: image)
        let objects = try check().objects
        #expect(objects.map(\.name.last) == ["I", "r", "l", "d"], "\(objects)")
        for object in objects {
            let isKernel = object.name == "BULKHEAD/kernel"
            #expect(object.isGood != isKernel && object.isChecked != isKernel, "\(object)")
            if isKernel { #expect(object.words.hasPrefix("not checked: mcopy failed with status "), "\(object.words)") }
        }
    }
}
