import Foundation
import ManifestFile
import Testing

/// A folder that is gone after the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "manifest-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }
}

@Suite struct ImageTests {
    private static let text = """
        name: a
        housekeeping: 0
        partitions:
          - name: b
            cores: 1
            memory: 16M
            image:
              kernel: sub/kernel
              initrd: disk.cpio
        """

    @Test func found() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], "sub/kernel")
        try folder.write([1], "disk.cpio")
        #expect(refusals(Self.text, images: .folder(folder.url.path)).isEmpty)
        let file = try ImageSource.folder(folder.url.path).locate("sub/kernel")
        #expect(try Data(contentsOf: file) == Data([1]))
    }

    @Test func missingEmptyOrAFolder() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.path
        let nothing = refusals(Self.text, images: .folder(path))
        #expect(nothing.count == 2)
        #expect(nothing[0].hasPrefix("m.yaml:8: the image \"sub/kernel\" is not in \(path)"))
        #expect(nothing[1].hasPrefix("m.yaml:9: the image \"disk.cpio\" is not in \(path)"))
        #expect(nothing[0].contains("Guests/build"))
        try folder.write([1], "sub/kernel/inner")
        try folder.write([], "disk.cpio")
        let wrong = refusals(Self.text, images: .folder(path))
        #expect(wrong == ["m.yaml:8: \(path)/sub/kernel is not a file", "m.yaml:9: \(path)/disk.cpio is empty"])
    }

    @Test func similarName() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], "sub/kernel")
        try folder.write([1], "disc.cpio")
        let words = refusals(Self.text, images: .folder(folder.url.path))
        #expect(words.count == 1)
        #expect(words.first?.hasSuffix("did you mean \"disc.cpio\"?") == true)
    }

    /// From file to file, as the tool does it.
    @Test func compileAndDecodeFiles() throws {
        let folder = try TemporaryFolder()
        let yaml = try folder.write(Array(Self.text.utf8), "m.yaml")
        try folder.write([1], "sub/kernel")
        try folder.write([1], "disk.cpio")
        let (_, bytes) = try compileManifest(yaml, images: .folder(folder.url.path))
        let cbor = try folder.write(bytes, "m.cbor")
        #expect(try encodeManifest(decodeManifest(cbor), file: cbor) == bytes)
        let damaged = try folder.write(bytes.dropLast(), "damaged.cbor")
        let error = #expect(throws: ManifestRefused.self) { try decodeManifest(damaged) }
        #expect(error?.problems.first?.reason.hasPrefix("the manifest is damaged at byte ") == true)
    }

    @Test func filesThatAreNone() throws {
        let folder = try TemporaryFolder()
        func reason(_ path: String) -> String? {
            do throws(ManifestRefused) {
                _ = try readManifest(path, images: .unchecked)
                return nil
            } catch { return error.problems.first?.reason }
        }
        #expect(reason(folder.url.path + "/none.yaml") == "no such file")
        #expect(reason(folder.url.path) == "this is a folder, not a file")
        #expect(reason(try folder.write([0xFF, 0xFE, 0x00], "binary")) == "this is not UTF-8 text")
        let long = try folder.write([UInt8](repeating: 0x20, count: (256 << 10) + 1), "long")
        #expect(reason(long) == "the file is longer than 262144 bytes")
    }

    /// The demo's manifest is good, and its partitions are what the demo promises.
    @Test func demo() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let (manifest, bytes) = try compileManifest(
            root.appending(path: "Examples/demo.yaml").path, images: .unchecked)
        #expect(try encoded(decoded(bytes)) == bytes)
        #expect(manifest.partitionList.map { $0.name.string } == ["control-loop", "workload"])
        #expect(manifest.partitionList.map { $0.cores.count } == [1, 2])
        #expect(manifest.housekeeping == 0)
        #expect(manifest.link == .serial)
        #expect(manifest.partitionList.allSatisfy { $0.permits == .all })
    }
}
