import Testing
import UnitSupport

/// Replays what the fuzzer found worth keeping (`Tests/Fuzz/run loader`).
@Suite struct CorpusTests {
    @Test func everyInputIsLoadedOrRefused() throws {
        let inputs = try fuzzCorpus("loader")
        try #require(inputs.count >= 20)
        let oracle = LoaderOracle()
        for (number, bytes) in inputs.enumerated() {
            let complaint = bytes.withUnsafeBytes { oracle.complaint(about: $0) }
            #expect(complaint == nil, "input \(number)")
        }
    }
}
