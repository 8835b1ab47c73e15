import Foundation
import Testing

/// Replays what the fuzzer found worth keeping (see `Fuzz/run`).
@Suite struct CorpusTests {
    @Test func everyInputIsLoadedOrRefused() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "Fuzz/corpus/loader")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        try #require(files.count >= 20)
        let oracle = LoaderOracle()
        for file in files {
            let bytes = try [UInt8](Data(contentsOf: file))
            let complaint = bytes.withUnsafeBytes { oracle.complaint(about: $0) }
            #expect(complaint == nil, "\(file.lastPathComponent)")
        }
    }
}
