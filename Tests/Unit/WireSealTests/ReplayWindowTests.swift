import Testing

@testable import WireSeal

/// The window against a list of all that has come.
@Suite struct ReplayWindowTests {
    @Test func eachCounterIsTakenOnce() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var window = ReplayWindow(), taken: Set<UInt64> = [], highest: UInt64?
            var base = UInt64.random(in: 0..<1000, using: &random)
            for _ in 0..<500 {
                base += UInt64.random(in: 0..<3, using: &random) == 0 ? UInt64.random(in: 0..<200, using: &random) : 1
                let back = min(base, UInt64.random(in: 0..<130, using: &random)), counter = base - back
                let isLate = highest.map { counter + ReplayWindow.size <= $0 } ?? false
                #expect(window.admits(counter) == (!taken.contains(counter) && !isLate), "\(counter)")
                guard window.admits(counter) else { continue }
                window.take(counter)
                taken.insert(counter)
                highest = max(highest ?? 0, counter)
            }
        }
    }

    @Test func itsEdgesAreWhereTheyAreSaidToBe() {
        var window = ReplayWindow()
        #expect(window.admits(0))
        window.take(64)
        #expect(!window.admits(0) && window.admits(1) && window.admits(63) && !window.admits(64) && window.admits(65))
        window.take(1)
        #expect(!window.admits(1))
        window.take(64 + 64)
        #expect(!window.admits(64) && window.admits(65) && !window.admits(128))
        window.take(1 << 40)
        #expect(!window.admits(128) && window.admits(1 << 40 - 63) && !window.admits(1 << 40 - 64))
    }
}
