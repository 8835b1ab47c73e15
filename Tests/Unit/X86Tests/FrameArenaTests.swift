import Testing
import UnitSupport

@Suite struct FrameArenaTests {
    @Test func framesComeInOrderAndOnce() {
        let frames = Frames(4)
        var arena = frames.makeArena()
        let first = arena.take(), second = arena.take()
        let used = arena.used
        #expect(first == frames.base)
        #expect(second == frames.base + 4096)
        #expect(used == 8192)
    }

    @Test func framesAreCleared() {
        let frames = Frames(3)
        var arena = frames.makeArena()
        _ = arena.take(2)
        let words = frames.words
        #expect(words[0..<1024].allSatisfy { $0 == 0 })
        #expect(words[1024...].allSatisfy { $0 == 0xA5A5_A5A5_A5A5_A5A5 }, "what was not taken stays as it was")
    }

    @Test func severalFramesAreContiguous() {
        let frames = Frames(5)
        var arena = frames.makeArena()
        _ = arena.take()
        let three = arena.take(3)
        let last = arena.take()
        #expect(three == frames.base + 4096)
        #expect(last == frames.base + 4 * 4096)
    }

    @Test func moreThanIsLeftIsRefusedAndTakesNothing() {
        let frames = Frames(3)
        var arena = frames.makeArena()
        let tooMany = arena.take(4)
        let all = arena.take(3)
        let none = arena.take()
        #expect(tooMany == nil)
        #expect(all == frames.base)
        #expect(none == nil)
    }

    @Test func anArenaEndsWhereItWasToldTo() {
        let frames = Frames(4)
        var arena = frames.makeArena(2)
        let end = arena.end
        _ = arena.take(2)
        let beyond = arena.take()
        #expect(end == frames.base + 8192)
        #expect(beyond == nil)
        #expect(frames.words[1024...].allSatisfy { $0 == 0xA5A5_A5A5_A5A5_A5A5 })
    }
}
