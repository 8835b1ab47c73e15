import Testing
import UnitSupport

/// The fuzzer's corpus (`Tests/Fuzz/run evidence`), replayed with the same demands: each part is there as it should be.
@Suite struct CorpusTests {
    @Test func replay() throws {
        var read: Set<UInt8> = [], refused: Set<UInt8> = []
        for (number, input) in try fuzzCorpus("evidence").enumerated() {
            let (isRead, broken) = brokenEvidence(input)
            #expect(broken == [], "input \(number)")
            let kind = min(input.first ?? 5, 5)
            if isRead { read.insert(kind) } else { refused.insert(kind) }
        }
        #expect(read == [0, 1, 2, 3, 4, 5] && refused == read)
    }
}
