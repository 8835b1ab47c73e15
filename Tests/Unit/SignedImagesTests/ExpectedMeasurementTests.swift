import Foundation
import Keys
import Machines
import ManifestFile
import SignedImages
import Testing
import Trust

/// What the tool computes of a volume's files. `MachineTests/MeasuredBoot` holds it against a TPM.
@Suite struct ExpectedMeasurementTests {
    private func measure(_ signed: SignedVolume, key: [UInt8]?, version: String = "0.1.0") throws
        -> ExpectedMeasurements
    {
        try ExpectedMeasurements(VolumeReader(signed.volume), key: key, version: version)
    }

    @Test func eachObjectIsMeasuredInItsPlace() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let found = try measure(signed, key: signed.keys.publicKey())
        #expect(found.events.map(\.object) == ["owner-key", "version", "manifest", "kernel", "initrd", "closed"])
        #expect(
            found.events.map(\.name) == ["manifest-key.pub", "0.1.0", "manifest.cbor", "kernel", "initrd", "closed"])
        #expect(found.events.map(\.pcr) == [11, 12, 12, 12, 12, 11])
        #expect(found.pcrs.keys.sorted() == ["sha256", "sha384"] && found.pcrs["sha384"]?["12"]?.count == 96)
    }

    /// PCR 11 of a program without a key, as Python's hashlib has it.
    @Test func withoutAKeyTheWordsAreMeasured() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let found = try measure(signed, key: nil)
        #expect(found.events[0].object == "no-owner-key" && found.events[0].name == "no owner's key")
        #expect(found.pcrs["sha256"]?["11"] == "80590e63381c7e0cb8f7718452279b87b488e51f4e517ec1d3f4cd57bab0f993")
        #expect(
            found.pcrs["sha384"]?["11"]
                == "f95eadaffe25a7647109267420fe5d94589418347a6f7ff143f4cd6edade19be46f49801561b1e5c54db7ec0cd691940"
        )
    }

    /// Each change changes the PCR that it belongs to, in both banks, and not the other.
    @Test func everyChangeIsSeen() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let key = try signed.keys.publicKey(), good = try measure(signed, key: key)
        func differs(_ other: ExpectedMeasurements) -> [String] {
            ["11", "12"].filter { pcr in
                let changed = ["sha256", "sha384"].map { good.pcrs[$0]?[pcr] != other.pcrs[$0]?[pcr] }
                #expect(changed[0] == changed[1])
                return changed[0]
            }
        }
        #expect(differs(good) == [])
        let other = KeyFolder(signed.root.path + "/other")
        try other.create(height: 5, SignedVolume.passphrase, Scrypt(cost: 2))
        #expect(try differs(measure(signed, key: other.publicKey())) == ["11"])
        #expect(try differs(measure(signed, key: nil)) == ["11"])
        #expect(try differs(measure(signed, key: key, version: "0.1.1")) == ["12"])
        for path in ["kernel", "initrd", "manifest.cbor"] {
            let file = signed.volume.appending(path: "BULKHEAD/" + path), old = try Data(contentsOf: file)
            var new = old
            // The last byte of the manifest's file is the signature's: it is measured too.
            new[new.count - 1] ^= 1
            try new.write(to: file)
            #expect(try differs(measure(signed, key: key)) == ["12"], "\(path)")
            try old.write(to: file)
        }
        #expect(try measure(signed, key: key) == good)
        try FileManager.default.removeItem(at: signed.volume.appending(path: "BULKHEAD/initrd"))
        #expect(throws: MachineError.self) { try measure(signed, key: key) }
    }

    private func words(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return ""
    }

    /// With the owner's keys what is measured is what the owner has signed, whatever was verified a moment before.
    @Test func whatTheOwnerHasNotSignedIsNotMeasured() throws {
        let signed = try SignedVolume(), other = try SignedVolume()
        defer {
            signed.remove()
            other.remove()
        }
        let key = try signed.keys.publicKey()
        func owners(_ key: [UInt8]?) throws -> ExpectedMeasurements {
            try ExpectedMeasurements(VolumeReader(signed.volume), key: key, version: "0.1.0", mustBeOwners: true)
        }
        #expect(try owners(key) == measure(signed, key: key))
        for key in [nil, try other.keys.publicKey()] {
            let found = words { _ = try owners(key) }
            #expect(found.hasPrefix("BULKHEAD/manifest.cbor is not what the owner has signed"), "\(found)")
        }
        for path in ["BULKHEAD/kernel", "BULKHEAD/initrd", "BULKHEAD/manifest.cbor"] {
            let file = signed.volume.appending(path: path), old = try Data(contentsOf: file)
            try (old.dropLast() + [old[old.count - 1] ^ 1]).write(to: file)
            let found = words { _ = try owners(key) }
            #expect(found.hasPrefix("\(path) is not what the owner has signed"), "\(found)")
            try old.write(to: file)
        }
    }

    /// The list of places where a kernel patches itself, which only a partition that is watched has, and need not have.
    @Test func aListOfSitesIsMeasuredWhereItIs() throws {
        let signed = try SignedVolume(), folder = signed.volume.appending(path: "BULKHEAD")
        defer { signed.remove() }
        let yaml = signed.root.appending(path: "machine.yaml"), sites = folder.appending(path: "kernel.sites")
        let watched = try String(contentsOf: yaml, encoding: .utf8)
            .replacing("initrd: initrd}}", with: "initrd: initrd}, watch: {kernel: report}}")
        try Data(watched.utf8).write(to: yaml)
        try Data(compileManifest(yaml.path, images: .unchecked).1).write(to: folder.appending(path: "manifest.cbor"))
        let without = try measure(signed, key: nil)
        #expect(without.events.map(\.object).suffix(3) == ["kernel", "initrd", "closed"])
        try Data("list".utf8).write(to: sites)
        let with = try measure(signed, key: nil)
        #expect(
            with.events.filter { $0.object != "sites" } == without.events
                && with.pcrs["sha256"]?["12"] != without.pcrs["sha256"]?["12"]
        )
        // As Python's hashlib has it.
        let sha256 = "a330395cc0a53ad1207736546afff4735940937564bbf75ce1edad40780d9139"
        let measured = with.events.dropLast().last
        #expect(measured?.name == "kernel.sites" && measured?.sha256 == sha256)
        try Data().write(to: sites)
        #expect(words { _ = try measure(signed, key: nil) }.hasPrefix("BULKHEAD/kernel.sites is empty"))
    }

    /// The machine neither reads nor measures it.
    @Test(.timeLimit(.minutes(1))) func filesOfNoSizeThatTheMachineReads() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let key = try signed.keys.publicKey()
        for (path, limit) in [
            ("BULKHEAD/kernel", 1 << 30), ("BULKHEAD/initrd", 1 << 30), ("BULKHEAD/manifest.cbor", 43 << 10),
        ] {
            let file = signed.volume.appending(path: path), old = try Data(contentsOf: file)
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: UInt64(limit + 1))
            #expect(words { _ = try measure(signed, key: key) }.contains("\(path) is longer than"), "\(path)")
            try handle.truncate(atOffset: 0)
            try handle.close()
            #expect(words { _ = try measure(signed, key: key) }.hasPrefix("\(path) is empty"), "\(path)")
            try old.write(to: file)
        }
    }
}
