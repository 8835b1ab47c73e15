import Control
@testable import Daemon
import Logging
import Synchronization
import Testing

/// A machine that tells events without end.
@Suite struct FloodTests {
    /// Its partitions are looked at and what was asked of it is done all the same.
    @Test func eventsDoNotKeepTheLinkFromOtherThings() throws {
        let told = Mutex(0), link = try MachineLink(path: "memory") { _ in told.withLock { $0 += 1 } }
        var machine = MemoryMachine(partitions: MemoryMachine.two)
        machine.events = Array(repeating: ControlEvent(.state), count: 100)
        let client = ServedMachine(machine).client()
        try client.subscribe()
        #expect(try link.tellEvents(client, .seconds(5)))
        #expect(told.withLock { $0 } == 64)
        #expect(try link.tellEvents(client, .milliseconds(100)))
        #expect(told.withLock { $0 } == 100)
        #expect(try !link.tellEvents(client, .zero))
    }

    /// The loop is asked once to take all, and keeps as much as it takes: what came of the events last is not lost.
    @Test func whatTheLoopIsToldIsBounded() {
        var queue = NewsQueue()
        func append(_ new: MachineNews) -> Bool { queue.append(new) }
        #expect(append(.event(ControlEvent(.state))))
        for _ in 0..<1000 {
            #expect(!append(.event(ControlEvent(.state))))
            #expect(!append(.partitions(MemoryMachine.two)))
        }
        #expect(!append(.partitions([])))
        let news = queue.take()
        #expect(news.count <= 2 * NewsQueue.maxEvents)
        guard case .partitions(let last) = news.last else { return #expect(Bool(false), "the last look is lost") }
        #expect(last.isEmpty)
        #expect(queue.take().isEmpty)
        // Of what comes next it is told anew.
        #expect(append(.down("it hung up")))
        #expect(!append(.down("it is not there")))
        #expect(queue.count == 1)
    }

    private struct Counter: LogHandler {
        static let lines = Mutex(0)
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { Self.lines.withLock { $0 += 1 } }
    }

    /// The system's log is not filled by a machine.
    @Test func eventsAreSaidOnlyWhereMoreIsAskedFor() throws {
        let bench = try DaemonBench(log: Counter())
        let before = Counter.lines.withLock { $0 }
        #expect(before > 0)
        for _ in 0..<10 { bench.daemon.take(.event(ControlEvent(.state))) }
        #expect(Counter.lines.withLock { $0 } == before)
    }
}
