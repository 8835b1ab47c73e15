import Control
import ControlClient
@testable import Daemon
import Foundation
import NIOCore
import NIOEmbedded
import Synchronization
import Manifest
import Testing

@Suite struct LinkTests {
    @Test func eachKindHasItsOwnPlaces() {
        var queue = JobQueue<Int>()
        func isTaken(_ job: Int, _ kind: JobKind) -> Bool { queue.append(job, kind) }
        func next() -> Int? { queue.next() }
        for job in 0..<64 { #expect(isTaken(job, .read)) }
        #expect(!isTaken(64, .read))
        for job in 500..<564 { #expect(isTaken(job, .ownRead)) }
        #expect(!isTaken(564, .ownRead))
        for job in 100..<292 { #expect(isTaken(job, .change)) }
        #expect(!isTaken(292, .change) && queue.count == 320)
        // Each gives its place back.
        #expect(next() == 100)
        #expect(isTaken(292, .change))
        #expect(!isTaken(64, .read) && !isTaken(293, .change) && !isTaken(564, .ownRead))
    }

    /// However much is read by those that may change nothing.
    @Test func readsOfBothKindsTakeTurns() {
        var queue = JobQueue<Int>()
        for job in 0..<5 { _ = queue.append(job, .read) }
        for job in 500..<503 { _ = queue.append(job, .ownRead) }
        var taken: [Int] = []
        for _ in 0..<4 { taken += [queue.next() ?? -1] }
        // A change goes before, and takes nobody's turn.
        _ = queue.append(100, .change)
        while let job = queue.next() { taken.append(job) }
        #expect(taken == [0, 500, 1, 501, 100, 2, 502, 3, 4])
        #expect(queue.count == 0)
    }

    /// What only reads neither keeps those waiting who change something, nor waits for ever.
    @Test func changesGoFirstButEightAtATime() {
        var queue = JobQueue<Int>()
        for job in 0..<3 { _ = queue.append(job, .read) }
        for job in 100..<120 { _ = queue.append(job, .change) }
        let order = Array(100..<108) + [0] + Array(108..<116) + [1] + Array(116..<120) + [2]
        var taken: [Int] = []
        while let job = queue.next() { taken.append(job) }
        #expect(taken == order)
    }

    /// Why it has failed; nil while it has not.
    private func failure<T>(of future: EventLoopFuture<T>) -> LinkError? {
        var failure: LinkError?
        future.assumeIsolated().whenFailure { failure = $0 as? LinkError }
        return failure
    }

    @Test func aFullQueueIsBusyInLibvirtsWords() throws {
        let loop = EmbeddedEventLoop(), link = try MachineLink(path: "memory") { _ in }
        // On a busy host the machine may fall silent before all is answered.
        defer { link.fail(.closed(path: "memory")) }
        func ask(_ kind: JobKind) -> EventLoopFuture<Int> {
            link.ask(loop, kind) { (client) throws(LinkError) in try client.hello().cores }
        }
        for _ in 0..<64 { _ = ask(.read) }
        let error = failure(of: ask(.read))
        // VIR_ERR_RESOURCE_BUSY
        #expect(error == .busy(path: "memory") && error?.isBusy == true && error?.remote.code.rawValue == 87)
        // What changes something still has its places.
        for _ in 0..<192 { _ = ask(.change) }
        #expect(failure(of: ask(.change)) == .busy(path: "memory"))
        let machine = ServedMachine(MemoryMachine(partitions: []))
        link.work(machine.client())
    }

    /// Those that wait behind the first silence do not wait as long, each after the other.
    @Test func aSilentMachineFailsAllThatWaitAtOnce() throws {
        let loop = EmbeddedEventLoop(), news = Mutex<[String]>([]), asked = Mutex(0)
        let link = try MachineLink(path: "memory") { new in
            if case .down(let reason) = new { news.withLock { $0.append(reason) } }
        }
        let machine = ServedMachine(MemoryMachine(partitions: MemoryMachine.two))
        let client = machine.client()
        client.timeout = .milliseconds(30)
        machine.fallSilent()
        let answers = (0..<20).map { _ in
            link.ask(loop, .read) { (client) throws(LinkError) in
                asked.withLock { $0 += 1 }
                return try client.list().count
            }
        }
        link.work(client)
        loop.run()
        for answer in answers {
            let error = failure(of: answer)
            #expect(error?.isSilence == true && error?.remote.code.rawValue == 68)
        }
        #expect(asked.withLock { $0 } == 1 && news.withLock { $0.count } == 1)
    }

    /// What is asked for because something has failed waits for the next try.
    @Test func failuresComeToAnEnd() throws {
        let loop = EmbeddedEventLoop(), link = try MachineLink(path: "memory") { _ in }
        var failed = 0
        func ask() {
            let answer = link.ask(loop, .read) { (client) throws(LinkError) in try client.hello().cores }
            answer.assumeIsolated().whenFailure { _ in
                failed += 1
                // With no end in sight this is enough.
                if failed < 1000 { ask() }
            }
        }
        ask()
        link.fail(.closed(path: "memory"))
        #expect(failed == 1)
        // No promise is left without an answer.
        failed = 1000
        link.fail(.closed(path: "memory"))
        #expect(failed == 1001)
    }

    /// What rings must not keep the thread from waiting until it tries again: not before the wait, nor in it, nor from the loop, which
    /// asks as soon as it is told.
    @Test func aMachineThatIsNotThereIsTriedOnceASecond() throws {
        let tries = Mutex(0), first = DispatchSemaphore(value: 0)
        let box = Mutex<MachineLink?>(nil), loop = NIOAsyncTestingEventLoop()
        @Sendable func ask() {
            _ = box.withLock { $0 }?.ask(loop, .read) { (client) throws(LinkError) in try client.hello().cores }
        }
        let link = try MachineLink(path: "/nowhere/link.sock") { _ in
            tries.withLock { $0 += 1 }
            ask()
            first.signal()
        }
        box.withLock { $0 = link }
        ask()
        let start = ContinuousClock.now
        link.start()
        try #require(first.wait(timeout: .now() + 30) == .success)
        for _ in 0..<5 {
            ask()
            Thread.sleep(forTimeInterval: 0.1)
        }
        link.stop()
        box.withLock { $0 = nil }
        #expect(tries.withLock { Double($0) } <= 1 + (ContinuousClock.now - start) / .seconds(1))
        link.fail(.closed(path: "memory"))
    }

    /// It may not answer one look, and all that waits fails at once; when it does not answer the next one either, it is given up.
    @Test func aMachineIsGivenUpAfterTwoSilentLooks() throws {
        let loop = EmbeddedEventLoop(), box = Mutex<MachineLink?>(nil)
        let told = Mutex<[String]>([]), failures = Mutex<[LinkError]>([])
        let link = try MachineLink(path: "memory") { new in
            switch new {
            case .partitions: told.withLock { $0.append("look") }
            case .down:
                told.withLock { $0.append("down") }
                // It comes too late for the turn's own work, and waits when the look has failed.
                let answer = box.withLock { $0 }?.ask(loop, .read) { (client) throws(LinkError) in
                    try client.hello().cores
                }
                answer?.whenFailure { error in
                    if let error = error as? LinkError { failures.withLock { $0.append(error) } }
                }
            case .up, .event: break
            }
        }
        box.withLock { $0 = link }
        defer { box.withLock { $0 = nil } }
        let machines = (0..<2).map { _ in ServedMachine(MemoryMachine(partitions: MemoryMachine.two)) }
        machines[1].fallSilent()
        let (well, ill) = (machines[0].client(), machines[1].client())
        ill.timeout = .milliseconds(30)
        var looks = LookTimes()
        func look(_ client: ControlClient) throws {
            // A second later.
            looks.note(.now - LookTimes.period)
            try link.turn(client, &looks)
        }
        try look(ill)
        // One that is answered makes up for it.
        try look(well)
        try look(ill)
        #expect(throws: LinkError.self) { try look(ill) }
        #expect(told.withLock { $0 } == ["down", "look", "down", "down"])
        #expect(failures.withLock { $0.map(\.isSilence) } == [true, true, true])
    }

    /// A machine that was started anew, or another one, on the same line, whether it was silent meanwhile or not: nothing that was known of
    /// it is believed of the one that is there.
    @Test func anotherMachineOnTheLineIsMetAnew() throws {
        let told = Mutex(0)
        let link = try MachineLink(path: "memory") { new in if case .partitions = new { told.withLock { $0 += 1 } } }
        let changes: [(inout MachineInfo) -> Void] = [
            { $0.uptimeMicroseconds = 5 }, { $0.trust = TrustAnchors() }, { $0.name = label("other") },
            { $0.version = label("0.2.0") },
        ]
        for change in changes {
            let machine = ServedMachine(MemoryMachine(partitions: MemoryMachine.two)), client = machine.client()
            machine.with { ($0.said.uptimeMicroseconds, $0.said.trust) = (10, .secureBoot) }
            var looks = LookTimes()
            try link.turn(client, &looks)
            machine.with { $0.said.uptimeMicroseconds = 20 }
            looks.note(.now - LookTimes.period)
            try link.turn(client, &looks)
            machine.with { change(&$0.said) }
            looks.note(.now - LookTimes.period)
            #expect(throws: LinkError.closed(path: "memory")) { try link.turn(client, &looks) }
        }
        #expect(told.withLock { $0 } == 2 * changes.count)
    }
}
