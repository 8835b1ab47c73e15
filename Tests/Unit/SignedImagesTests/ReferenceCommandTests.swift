import Foundation
import Keys
import Testing
import UnitSupport

/// The exit codes that `bulkhead reference --help` promises to scripts, of the tool itself.
@Suite struct ReferenceCommandTests {
    private func reference(_ arguments: [String], data: Int? = nil) throws -> ToolRun {
        try ToolRun(["reference"] + arguments, data: data)
    }

    @Test func whatWasNotCheckedIsSaid() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let volume = signed.volume.path, keys = ["--keys", signed.keys.folder.path]
        let good = try reference([volume, "--program", signed.program.path] + keys)
        #expect(good.status == 0 && good.errors.isEmpty, "\(good.errors)")
        #expect(good.output.contains("\nsha384:\n  11: 0x"), "\(good.output)")
        // Without keys nothing is verified: the values are the same.
        let unverified = try reference([volume])
        #expect(unverified.status == 0 && unverified.output == good.output)
        for format in [[], ["--json"]] {
            let unchecked = try reference([volume, "--program", signed.root.path + "/nothing"] + keys + format)
            #expect(unchecked.status == 1 && unchecked.output.contains("sha384"))
            #expect(unchecked.errors.contains("note: EFI/BOOT/BOOTX64.EFI: not checked"), "\(unchecked.errors)")
        }
        #expect(try reference([volume, "--program", signed.program.path]).status == 64)
        // The program is missing: that is not a program without a key.
        try FileManager.default.removeItem(at: signed.volume.appending(path: "EFI"))
        for arguments in [[volume], [volume] + keys] {
            let missing = try reference(arguments)
            #expect(missing.status == 1 && missing.output.isEmpty)
            #expect(missing.errors.contains("EFI/BOOT/BOOTX64.EFI"), "\(missing.errors)")
        }
    }

    /// A manifest that anybody may have made has the tool read nothing but the volume.
    @Test(.timeLimit(.minutes(1)))
    func aManifestThatLeadsOutOfTheVolume() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        let kernel = signed.volume.appending(path: "BULKHEAD/kernel")
        try FileManager.default.removeItem(at: kernel)
        try FileManager.default.createSymbolicLink(at: kernel, withDestinationURL: URL(filePath: "/dev/zero"))
        let linked = try reference([signed.volume.path])
        #expect(linked.status == 1 && linked.errors.contains("is a link to what is not on the volume"))
        // As long as before, and not signed: nobody asks whose it is.
        let file = signed.volume.appending(path: "BULKHEAD/manifest.cbor")
        var manifest = try Data(contentsOf: file)
        let name = try #require(manifest.range(of: Data("kernel".utf8)))
        manifest.replaceSubrange(name, with: Data("../../".utf8))
        try manifest.write(to: file)
        let up = try reference([signed.volume.path])
        #expect(up.status == 1 && up.errors.contains("is no path that a file of a boot volume can"), "\(up.errors)")
    }

    /// An image is in memory once, which of 1 GiB counts.
    @Test func anImageIsNotCopied() throws {
        let signed = try SignedVolume()
        defer { signed.remove() }
        #expect(unsafe truncate(signed.volume.appending(path: "BULKHEAD/kernel").path, 28 << 20) == 0)
        let large = try reference([signed.volume.path], data: 48 << 20)
        #expect(large.status == 0 && large.output.contains("sha384"), "\(large.errors)")
        #expect(try reference([signed.volume.path], data: 24 << 20).status != 0)
    }
}
