import CBOR
import Manifest
import Testing
import UnitSupport

/// The fuzzer's corpus (`Tests/Fuzz/run manifest`), replayed with the same demands.
@Suite struct CorpusTests {
    @Test func replay() throws {
        var accepted = 0
        var reasons: Set<UInt8> = []
        for (number, input) in try fuzzCorpus("manifest").enumerated() {
            let bytes = input
            var reader = CBORReader(bytes.span)
            try? reader.skip()
            var manifest = Manifest()
            do throws(ManifestError) {
                try manifest.decode(bytes.span)
                accepted += 1
                #expect(brokenInvariants(manifest) == [], "input \(number)")
                let again = try? encoded(manifest)
                #expect(again == bytes, "input \(number)")
            } catch {
                reasons.insert(error.reason.number)
                for words in [sentence(error, manifest), consoleSentence(error, manifest)] {
                    #expect(!words.isEmpty && !words.contains("%"), "input \(number)")
                    #expect(words.utf8.allSatisfy { 0x20...0x7E ~= $0 }, "input \(number)")
                }
            }
        }
        // The corpus is worth its name: it holds good manifests, and many kinds of bad ones.
        #expect(accepted >= 1)
        #expect(reasons.count >= 10)
    }
}
