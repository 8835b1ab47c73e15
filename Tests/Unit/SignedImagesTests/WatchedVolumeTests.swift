import Foundation
import Keys
import Machines
import ManifestFile
import SignedImages
import Testing
import Trust

/// A signed volume whose kernel is watched: the list of places where it patches itself is an object like the others.
@Suite struct WatchedVolumeTests {
    @Test func theListOfSitesIsTheOwners() throws {
        let signed = try SignedVolume(), folder = signed.volume.appending(path: "BULKHEAD"), list = Data("list".utf8)
        defer { signed.remove() }
        let file = folder.appending(path: "kernel.sites"), path = "BULKHEAD/kernel.sites"
        // As for a Linux kernel, of which the list is made.
        var manifest = try compileManifest(signed.root.path + "/machine.yaml", images: .folder(signed.root.path)).0
        manifest.partitions[0].watch.response = .report
        manifest.partitions[0].digests?.sites = Digest384(of: list)
        let bytes = try encodeManifest(manifest, file: "machine.yaml")
        let message = try signed.keys.sign([bytes], for: "manifest", SignedVolume.passphrase)[0]
        try Data(message).write(to: folder.appending(path: "manifest.cbor"))
        try list.write(to: file)
        let key = try signed.keys.publicKey()
        func measure(owners: Bool = true) throws -> ExpectedMeasurements {
            try ExpectedMeasurements(VolumeReader(signed.volume), key: key, version: "0.1.0", mustBeOwners: owners)
        }
        func refusal() -> String {
            do { _ = try measure() } catch { return "\(error)" }
            return ""
        }
        func object() throws -> VerifiedObject? { try signed.check().objects.first { $0.name == path } }
        #expect(try signed.check().isGood && signed.check().objects.count == 5 && object()?.isGood == true)
        #expect(try measure().events.dropLast().last?.object == "sites" && measure() == measure(owners: false))
        try Data("lisp".utf8).write(to: file)
        #expect(try object()?.words == "it is not what the manifest names for partition work")
        #expect(try !signed.check().isGood && measure(owners: false).events.dropLast().last?.object == "sites")
        #expect(refusal().hasPrefix("\(path) is not what the owner has signed"), "\(refusal())")
        // Gone since it was verified: its measurement would be missing, and nobody would know.
        try FileManager.default.removeItem(at: file)
        #expect(try object()?.isGood == false && object()?.words == "it is not there")
        #expect(refusal().hasPrefix("\(path) is not what the owner has signed"), "\(refusal())")
        #expect(try measure(owners: false).events.dropLast().last?.object == "initrd")
    }
}
