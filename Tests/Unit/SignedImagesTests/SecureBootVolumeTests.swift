import Foundation
import Keys
import Machines
import SignedImages
import Testing

/// Programs signed for Secure Boot by an owner's db key: openssl and osslsigncode at work.
@Suite struct SecureBootVolumeTests {
    /// - Returns: what is wrong with the program; nil: nothing.
    private func problem(_ signed: SignedVolume) throws -> String? {
        let program = try signed.check().objects[0]
        #expect(program.isChecked, "\(program.words)")
        return program.isGood ? nil : program.words
    }

    @Test func theOwnersSignatureAndNoOther() throws {
        let signed = try SignedVolume(secureBoot: "Owner"), other = try SignedVolume(secureBoot: "Other")
        defer {
            signed.remove()
            other.remove()
        }
        #expect(try problem(signed) == nil && signed.check().isGood)
        let file = signed.volume.appending(path: "EFI/BOOT/BOOTX64.EFI"), good = try Data(contentsOf: file)
        let db = signed.keys.folder.appending(path: "secure-boot")
        // Neither a private key nor the passphrase is in a file as it is.
        for name in SecureBootKeys.names {
            let key = try String(contentsOf: db.appending(path: "\(name).key"), encoding: .utf8)
            #expect(key.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
            #expect(try Data(contentsOf: db.appending(path: "\(name).cer")).starts(with: [0x30, 0x82]))
        }
        for bit in [0x1000 * 8, 0x1FFF * 8 + 3, 0x2FFF * 8] {
            var bad = good
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            try bad.write(to: file)
            #expect(try problem(signed)?.hasPrefix("Secure Boot's signature is not by the owner's db key") == true)
        }
        // By nobody, and by somebody else.
        let key = try signed.keys.publicKey(), program = try OwnerSection.add(key, to: SignedVolume.program())
        let strangers = signed.root.appending(path: "strangers")
        try program.write(to: file)
        #expect(try problem(signed)?.contains("is not by the owner's db key") == true)
        try PrivateFolder.with {
            try SecureBootKeys(other.keys).sign(program, SignedVolume.passphrase, in: $0).write(to: strangers)
        }
        try Data(contentsOf: strangers).write(to: file)
        #expect(try problem(signed)?.contains("is not by the owner's db key") == true)
        // The owner's within a stranger's, which is the one that firmware looks at first.
        let nested = signed.root.appending(path: "nested")
        try Tool.run(
            "osslsigncode",
            [
                "sign", "-nest", "-h", "sha384", "-certs", db.appending(path: "db.crt").path, "-key",
                db.appending(path: "db.key").path, "-pass", "correct horse", "-in", strangers.path, "-out", nested.path,
            ])
        try Data(contentsOf: nested).write(to: file)
        #expect(try problem(signed)?.contains("and by no other") == true)
        try good.write(to: file)
        #expect(try problem(signed) == nil)
    }

    /// Two runs of one owner's have one name to write to: the files that are there are replaced and never written into, and nothing
    /// else is left.
    @Test(arguments: [nil, "Owner"] as [String?])
    func aProgramTakesItsPlaceWhole(_ owner: String?) throws {
        let signed = try SignedVolume(secureBoot: owner), files = FileManager.default
        defer { signed.remove() }
        let folder = signed.root.appending(path: "signed"), kept = signed.root.appending(path: "kept")
        let symbols = signed.program.appendingPathExtension("symbols")
        let name = "BULKHEAD-\(KeyFolder.fingerprint(try signed.keys.publicKey())).EFI"
        func sign(_ byte: UInt8) throws {
            var program = SignedVolume.program()
            program[5000] = byte
            try program.write(to: signed.program)
            try Data([byte]).write(to: symbols)
            var content = BootVolumeImage(hypervisor: signed.program, manifest: [1], images: [])
            try content.sign(with: signed.keys, SignedVolume.passphrase, in: folder)
            #expect(content.hypervisor.lastPathComponent == name)
        }
        try sign(1)
        #expect(try files.contentsOfDirectory(atPath: folder.path).sorted() == [name, name + ".symbols"])
        // A name that the other run could have in use.
        let unsigned = folder.appending(path: name + ".unsigned")
        try Data("other".utf8).write(to: unsigned)
        try files.createDirectory(at: kept, withIntermediateDirectories: false)
        for name in [name, name + ".symbols"] {
            try files.linkItem(at: folder.appending(path: name), to: kept.appending(path: name))
        }
        try sign(2)
        for (place, byte) in [(kept, UInt8(1)), (folder, 2)] {
            #expect(try Data(contentsOf: place.appending(path: name))[5000] == byte)
            #expect(try Data(contentsOf: place.appending(path: name + ".symbols")) == Data([byte]))
        }
        #expect(try Data(contentsOf: unsigned) == Data("other".utf8))
        #expect(try files.contentsOfDirectory(atPath: folder.path).count == 3)
    }
}
