import Testing

@testable import Reports

@Suite struct ConsolePacingTests {
    /// The waits of a console to which nothing comes.
    private func quiet(_ pacing: inout ConsolePacing, _ count: Int) -> [Double] {
        (0..<count).map { _ in pacing.wait(came: 0) }
    }

    @Test func itAsksOftenForAFifthOfASecondAndThenLess() {
        var pacing = ConsolePacing()
        #expect(quiet(&pacing, 20) == [Double](repeating: 0.01, count: 20))
        #expect(quiet(&pacing, 5) == [0.02, 0.04, 0.08, 0.1, 0.1])
        // For ever, and no slower.
        #expect(quiet(&pacing, 1000).allSatisfy { $0 == 0.1 })
    }

    @Test func aKeyBringsTheShortWaitsBack() {
        var pacing = ConsolePacing()
        _ = quiet(&pacing, 500)
        pacing.restart()
        #expect(quiet(&pacing, 21).suffix(2) == [0.01, 0.02])
    }

    @Test func outputIsReadOnAtOnceAndBringsThemBackToo() {
        var pacing = ConsolePacing()
        _ = quiet(&pacing, 500)
        #expect(pacing.wait(came: 1) == 0 && pacing.wait(came: 4096) == 0)
        #expect(quiet(&pacing, 21).suffix(2) == [0.01, 0.02])
    }
}
