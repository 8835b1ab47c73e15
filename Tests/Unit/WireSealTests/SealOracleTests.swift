import Testing
import UnitSupport

/// Somebody between the ends who does all that is possible, at random; Tests/Fuzz/run seal looks further.
@Suite struct SealOracleTests {
    /// Replays what the fuzzer found worth keeping.
    @Test func theFuzzersInputsLeadNowhere() throws {
        let inputs = try fuzzCorpus("seal")
        try #require(inputs.count >= 20)
        for (number, bytes) in inputs.enumerated() {
            var oracle = SealOracle()
            let complaint = bytes.withUnsafeBytes { oracle.complaint(about: $0) }
            #expect(complaint == nil, "input \(number)")
        }
    }

    @Test func nothingIsTakenThatTheOtherEndHasNotSent() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            // More of what lets them talk, so that there is something to disturb.
            let input: [UInt8] = (0..<200).flatMap { _ -> [UInt8] in
                let step = ([0, 0, 1, 1, 1, 5, 5, 2, 3, 4, 6, 7] as [UInt8]).randomElement(using: &random) ?? 0
                let end = UInt8.random(in: 0...1, using: &random) << 7 | UInt8.random(in: 0...7, using: &random) << 4
                let place = UInt8.random(in: 0...(Bool.random(using: &random) ? 2 : 60), using: &random)
                return [end & 0xF0 | step, place, .random(in: 0...255, using: &random)]
            }
            var oracle = SealOracle()
            let complaint = input.withUnsafeBytes { oracle.complaint(about: $0) }
            #expect(complaint == nil, "\(complaint ?? ""): \(input)")
        }
    }
}
