import ControlClient
import Foundation
import Synchronization
import Testing

@testable import Machines

/// A host's clock that a test sets.
private final class SetClock: WaitClock {
    private let time = Mutex(Duration.zero)
    var now: Duration { time.withLock { $0 } }
    func advance(by step: Duration) { time.withLock { $0 += step } }
}

@Suite final class ProgressClockTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
    private let host = SetClock()

    init() throws { try set("1", waited: .zero) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    /// What the kernel says of a thread.
    private func set(_ thread: String, waited: Duration) throws {
        let folder = folder.appending(path: thread)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("123456 \(Int64(waited / .nanoseconds(1))) 7\n".utf8).write(to: folder.appending(path: "schedstat"))
    }

    private func clock() -> ProgressClock { ProgressClock(threads: folder.path, host: host) }

    @Test func aMachineThatWaitsForNoProcessorAdvancesAsTheHost() throws {
        try set("1", waited: .seconds(5))
        let clock = clock()
        host.advance(by: .seconds(3))
        #expect(clock.now == .seconds(3))
        host.advance(by: .seconds(4))
        #expect(clock.now == .seconds(7))
    }

    @Test func whatTheMostDelayedThreadWaitedIsLeftOut() throws {
        try set("2", waited: .seconds(1))
        let clock = clock()
        try set("1", waited: .seconds(2))
        try set("2", waited: .seconds(7))
        host.advance(by: .seconds(10))
        #expect(clock.now == .seconds(4))
        // A thread that has ended says nothing, one that is new counts from its beginning.
        try FileManager.default.removeItem(at: folder.appending(path: "2"))
        try set("3", waited: .seconds(1))
        host.advance(by: .seconds(10))
        #expect(clock.now == .seconds(13))
    }

    @Test func aMachineThatGetsNothingComesToTheEndOfAWaitToo() throws {
        let clock = clock()
        let deadline = Deadline(clock, after: .seconds(5))
        try set("1", waited: .seconds(99))
        host.advance(by: .seconds(99))
        #expect(clock.now == .seconds(99) / 20)
        #expect(!deadline.isOver && deadline.left == .milliseconds(50))
        host.advance(by: .seconds(1))
        #expect(deadline.isOver && deadline.left == .zero)
    }

    @Test func withoutTheKernelsAccountItIsTheHostsClock() throws {
        try FileManager.default.removeItem(at: folder)
        let clock = clock()
        host.advance(by: .seconds(3))
        #expect(clock.now == .seconds(3))
    }

    @Test func aProcessOfThisHostHasAnAccount() throws {
        let clock = ProgressClock(process: getpid())
        let before = ContinuousClock.now
        var last = clock.now
        while ContinuousClock.now - before < .milliseconds(200) {
            let now = clock.now
            #expect(now >= last)
            last = now
        }
        #expect(last > .zero && last <= ContinuousClock.now - before + .milliseconds(50))
    }
}
