import Control
import Testing

@Suite struct SilenceTests {
    @Test func whoIsWantedAndShowsNoLifeIsSilent() {
        var silence = Silence()
        var over = (0..<100).map { silence.isOver(10, life: 7, isWanted: true, now: 1000 + $0) }
        #expect(over.prefix(11).allSatisfy { !$0 } && over[11], "\(over)")
        // Said once in each `limit`.
        #expect(over.count { $0 } == 9, "\(over)")
        over = (0..<100).map { silence.isOver(10, life: $0 / 10, isWanted: true, now: 2000 + $0) }
        #expect(!over.contains(true), "one sign in `limit` is enough")
        over = (0..<100).map { silence.isOver(10, life: 7, isWanted: false, now: 3000 + $0) }
        #expect(!over.contains(true), "of which nothing is wanted")
    }

    /// A core that runs a guest looks when something rings: what is wanted then may be wanted since then.
    @Test func looksThatAreFarApartTellNothing() {
        var silence = Silence()
        _ = silence.isOver(10, life: 7, isWanted: false, now: 1000)
        let isOver = silence.isOver(10, life: 7, isWanted: true, now: 5000)
        #expect(!isOver)
        let after = (0..<12).map { silence.isOver(10, life: 7, isWanted: true, now: 5000 + $0) }
        #expect(after.last == true && after.count { $0 } == 1)
    }
}
