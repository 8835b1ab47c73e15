import Foundation
import ManifestFile
import Policy
import Testing
import UnitSupport

/// The fuzzer's corpus (`Tests/Fuzz/run policy`), replayed with the same demands.
@Suite struct CorpusTests {
    @Test func replay() throws {
        var taken = 0
        var refusals: Set<String> = []
        for (number, input) in try fuzzCorpus("policy").enumerated() {
            guard let text = String(validating: input, as: UTF8.self) else { continue }
            #expect(brokenInvariants(ofPolicy: text) == [], "input \(number)")
            do throws(ManifestRefused) {
                _ = try Policy(text, file: "p", uid: { _ in .absent })
                taken += 1
            } catch {
                refusals.formUnion(error.problems.map { $0.reason.split(separator: "\"").last.map(String.init) ?? "" })
            }
        }
        // The corpus is worth its name: it holds good policies, and many kinds of bad ones.
        #expect(taken >= 3)
        #expect(refusals.count >= 10)
    }
}
