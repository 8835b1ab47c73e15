import CBOR
import Foundation
import Manifest
import Testing

/// The fuzzer's corpus (see `Fuzz/manifest.sh`), replayed with the same demands.
@Suite struct CorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/manifest-corpus")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func replay() throws {
        var accepted = 0
        var reasons: Set<UInt8> = []
        for file in Self.files {
            let bytes = [UInt8](try Data(contentsOf: file))
            var reader = CBORReader(bytes.span)
            try? reader.skip()
            var manifest = Manifest()
            do throws(ManifestError) {
                try manifest.decode(bytes.span)
                accepted += 1
                #expect(problems(manifest).isEmpty, "\(file.lastPathComponent)")
                let again = try? encoded(manifest)
                #expect(again == bytes, "\(file.lastPathComponent)")
            } catch {
                reasons.insert(error.reason.rawValue)
                let words = sentence(error, manifest)
                #expect(!words.isEmpty, "\(file.lastPathComponent)")
                #expect(words.utf8.allSatisfy { 0x20...0x7E ~= $0 }, "\(file.lastPathComponent)")
            }
        }
        // The corpus is worth its name: it holds good manifests, and many kinds of bad ones.
        #expect(accepted >= 1)
        #expect(reasons.count >= 10)
    }
}
