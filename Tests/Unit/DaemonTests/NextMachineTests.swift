import Control
import ControlClient
@testable import Daemon
import Foundation
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

/// What was asked of one machine is never done to the next on the same line.
@Suite struct NextMachineTests {
    private let loop = EmbeddedEventLoop()

    private func ask(_ link: MachineLink) -> EventLoopFuture<Void> {
        link.ask(loop, .change) { (client) throws(LinkError) in try client.change(.start, "loop") }
    }

    private func failure(of future: EventLoopFuture<Void>) -> LinkError? {
        loop.run()
        var failure: LinkError?
        future.assumeIsolated().whenFailure { failure = $0 as? LinkError }
        return failure
    }

    @Test func whatWaitsFailsWithANewConnection() throws {
        let link = try MachineLink(path: "memory") { _ in },
            machine = ServedMachine(MemoryMachine(partitions: MemoryMachine.two))
        let client = machine.client()
        let before = ask(link), number = link.renew()
        #expect(failure(of: before) == .closed(path: "memory"))
        // Whoever asks before the daemon knows of it means the machine before.
        let between = ask(link)
        #expect(failure(of: between) == .closed(path: "memory"))
        link.work(client)
        #expect(machine.with { $0.calls }.isEmpty)
        link.address(number)
        _ = ask(link)
        link.work(client)
        #expect(machine.with { $0.calls } == ["start loop"])
    }

    /// The daemon addresses the connection that it is told of.
    @Test func theDaemonAsksTheMachineThatItKnows() throws {
        let bench = try DaemonBench()
        let number = bench.link.renew()
        #expect(failure(of: ask(bench.link)) == .closed(path: "memory"))
        bench.daemon.take(.up(MemoryMachine.named("m"), [], MemoryMachine.two, connection: number))
        let asked = ask(bench.link)
        bench.work()
        #expect(failure(of: asked) == nil)
        #expect(bench.machine.with { $0.calls } == ["start loop"])
    }

    /// It may hang up before it is known that it took what it was asked. What the next one of its name does is another thing.
    @Test(arguments: [false, true]) func aChangeIsNotJudgedByTheNextMachine(isNextKnown: Bool) throws {
        let bench = try DaemonBench(), client = try bench.client(), loop = try bench.wire("loop")
        #expect(try client.call("domain_create") { loop.write(&$0) } == nil)
        var partitions = MemoryMachine.two
        (partitions[0].state, partitions[0].starts) = (.running, 1)
        let next = MachineNews.up(MemoryMachine.named("m"), [], partitions, connection: 1)
        bench.daemon.take(.down("it hung up"))
        if isNextKnown { bench.daemon.take(next) }
        bench.work()
        if !isNextKnown { bench.daemon.take(next) }
        bench.daemon.take(.partitions(partitions))
        #expect(bench.machine.with { $0.calls } == ["start loop"])
        #expect(client.answer?.code == 38 && client.answer?.text.contains("hung up") == true)
    }

    /// One machine hangs up, something is asked, and another one answers on the same path.
    @Test func whatWasAskedInBetweenIsNotDone() async throws {
        let folder = try TemporaryFolder(), path = folder.path + "/link.sock"
        let ups = DispatchSemaphore(value: 0), downs = DispatchSemaphore(value: 0)
        let looks = DispatchSemaphore(value: 0), failed = Mutex(false)
        let link = try MachineLink(path: path) { news in
            switch news {
            case .up: ups.signal()
            case .down: downs.signal()
            case .partitions: looks.signal()
            case .event: break
            }
        }
        defer { withExtendedLifetime(folder) { link.stop() } }
        /// The manager's next connection.
        func next() throws -> Int32 {
            let listener = try UnixSocket.listen(path)
            defer { close(listener) }
            return accept(listener, nil, nil)
        }
        func wait(_ semaphore: DispatchSemaphore) -> Bool { semaphore.wait(timeout: .now() + 30) == .success }
        link.start()
        let first = ServedMachine(MemoryMachine(partitions: MemoryMachine.two), on: try next())
        try #require(wait(ups))
        link.address(1)
        first.hangUp()
        try #require(wait(downs))
        // The other machine has the line, and has said nothing yet.
        let descriptor = try next(), loop = NIOAsyncTestingEventLoop()
        let asked = link.ask(loop, .change) { (client) throws(LinkError) in try client.change(.start, "loop") }
        asked.whenFailure { _ in failed.withLock { $0 = true } }
        while looks.wait(timeout: .now()) == .success {}
        let second = ServedMachine(MemoryMachine(partitions: MemoryMachine.two), on: descriptor)
        // What waits is done before the partitions are looked at.
        try #require(wait(ups) && wait(looks))
        await loop.run()
        #expect(failed.withLock { $0 } && second.with { $0.calls }.isEmpty)
        second.hangUp()
    }
}
