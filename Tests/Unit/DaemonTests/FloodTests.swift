import Control
@testable import Daemon
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
        #expect(news.count == NewsQueue.maxEvents + 1)
        guard case .partitions(let last) = news.last else { return #expect(Bool(false), "the last look is lost") }
        #expect(last.isEmpty)
        #expect(queue.take().isEmpty)
        // Of what comes next it is told anew.
        #expect(append(.down("it hung up")))
        #expect(!append(.down("it is not there")))
        #expect(queue.count == 1)
        // A look is newer than what came before other news, but does not take its place.
        #expect(!append(.partitions([])) && !append(.down("it hung up")))
        #expect(!append(.event(ControlEvent(.state))) && !append(.partitions(MemoryMachine.two)))
        #expect(queue.count == 5)
    }

    /// The system's log is not filled by a machine.
    @Test func eventsAreSaidOnlyWhereMoreIsAskedFor() throws {
        let lines = LogLines(), bench = try DaemonBench(log: lines.handler)
        let before = lines.all
        #expect(!before.isEmpty)
        for _ in 0..<10 { bench.daemon.take(.event(ControlEvent(.state))) }
        #expect(lines.all == before)
    }

    /// Nor by one whose partitions come and go.
    @Test func whatIsLeftOutIsSaidOnce() throws {
        let folder = try TemporaryFolder(), store = try DomainStore(path: folder.database)
        for (partition, name) in [("workload", "loop"), ("gone", "away")] {
            let xml = domainXML(name, in: partition)
            try store.save(
                machine: "m", [StoredDomain(partition: partition, xml: xml, autostart: true, isUndefined: false)])
        }
        let lines = LogLines(), bench = try DaemonBench(in: folder, log: lines.handler)
        func said() -> [Int] {
            ["partition workload is left out", "no partition gone", "no partition workload"].map { words in
                lines.all.count { $0.contains(words) }
            }
        }
        #expect(said() == [1, 1, 0])
        for _ in 0..<5 {
            bench.daemon.take(.partitions([MemoryMachine.two[1]]))
            bench.daemon.take(.partitions([MemoryMachine.two[0]]))
            bench.daemon.take(.partitions(MemoryMachine.two))
        }
        #expect(said() == [1, 1, 1])
        // Once for each time that it comes up.
        bench.daemon.take(.down("it hung up"))
        bench.up([])
        bench.up(MemoryMachine.two)
        #expect(said() == [2, 2, 1])
    }

    @Test func anEventHastensALookButDoesNotForceIt() {
        var looks = LookTimes()
        let now = ContinuousClock.now + .seconds(10)
        looks.note(now)
        #expect(looks.next == now + .seconds(1))
        for _ in 0..<2 {
            looks.hasten()
            #expect(looks.next == now + .milliseconds(50))
        }
    }

    /// A look asks for all partitions, and each may have the database read.
    @Test func eventsDoNotHaveTheMachineLookedAtWithoutAPause() throws {
        let looks = Mutex(0),
            link = try MachineLink(path: "memory") { new in
                if case .partitions = new { looks.withLock { $0 += 1 } }
            }
        var machine = MemoryMachine(partitions: MemoryMachine.two)
        machine.events = Array(repeating: ControlEvent(.state), count: 1000)
        let client = ServedMachine(machine).client()
        try client.subscribe()
        var times = LookTimes()
        try link.turn(client, &times)
        // As if that had been a minute later: the pause is not over, however long this takes.
        let later = ContinuousClock.now + .seconds(60)
        times.note(later)
        for _ in 0..<8 { try link.turn(client, &times) }
        #expect(looks.withLock { $0 } == 1)
        // But there were events.
        #expect(times.next == later + LookTimes.pause)
    }

    /// A change has happened when a look has seen it: the next one does not wait until all that only reads is done.
    @Test func aChangeIsAnsweredHoweverMuchIsRead() throws {
        let bench = try DaemonBench(), client = try bench.client(), loop = try bench.wire("loop")
        bench.machine.with { $0.obeys = true }
        let flood = ReadFlood(bench, each: 0.05)
        try client.call("domain_create") { loop.write(&$0) }
        try bench.turn()
        #expect(client.answer?.code == 0)
        // In the second between two looks.
        #expect(flood.answered <= 20)
    }

    /// Those that may change nothing take no places of those that may.
    @Test func statisticsAreToldHoweverMuchIsRead() throws {
        var partitions = MemoryMachine.two
        partitions[1].state = .running
        let bench = try DaemonBench(partitions), client = try bench.client()
        let flood = ReadFlood(bench), other = try bench.client(isReadOnly: true)
        for client in [client, other] {
            try client.call("connect_get_all_domain_stats") { writer in for _ in 0..<3 { writer.uint32(0) } }
        }
        // VIR_ERR_RESOURCE_BUSY
        #expect(other.answer?.code == 87)
        bench.work()
        #expect(client.answer?.code == 0 && client.answer?.text.contains("exits.sum") == true)
        #expect(flood.answered > 0)
    }
}
