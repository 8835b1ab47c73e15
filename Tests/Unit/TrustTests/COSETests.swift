import Testing
import Trust
import UnitSupport

@Suite struct COSETests {
    /// The fuzzer's corpus (`Tests/Fuzz/run trust`): the first input is signed as it should be, and no other.
    @Test func replay() throws {
        var good: [Int] = []
        for (number, input) in try fuzzCorpus("trust").enumerated() where !input.isEmpty {
            let end = 1 + min(Int(input[0]), input.count - 1)
            let key = Array(input[1..<end]), message = Array(input[end...])
            guard let signed = try? COSESign1(message.span, max: 2048) else { continue }
            if signed.isSigned(by: key.span, for: "manifest") { good.append(number) }
            let isForOther = signed.isSigned(by: key.span, for: "launch")
            #expect(!isForOther)
        }
        #expect(good == [0])
    }
}
