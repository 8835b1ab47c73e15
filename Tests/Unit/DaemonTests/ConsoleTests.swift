import Control
import ControlClient
@testable import Daemon
import LibvirtWire
import Manifest
import NIOCore
import Testing

/// What is typed on consoles and what is read from them.
@Suite struct ConsoleTests {
    private let bench: DaemonBench
    private let client: BenchClient
    private let wire: WireDomain

    init() throws {
        let running = MemoryMachine.two.map { info in
            var info = info
            info.state = .running
            return info
        }
        bench = try DaemonBench(running)
        client = try bench.client()
        wire = try #require(bench.daemon.machine.domain(partition: "workload")).wire
    }

    private func open() throws {
        try client.call("domain_open_console") { writer in
            wire.write(&writer)
            writer.optionalString(nil)
            writer.uint32(0)
        }
    }

    /// A line that the guest takes in pieces does not keep the link from others.
    @Test func eachWriteOfTheShutdownLineIsAJobOfItsOwn() throws {
        bench.machine.with { $0.takes = 5 }
        #expect(try client.call("domain_shutdown") { wire.write(&$0) } == nil)
        try open()
        bench.work()
        #expect(bench.machine.with { $0.calls } == ["write", "read"])
        bench.work()
        bench.work()
        #expect(bench.machine.with { $0.typed } == Array("shutdown now\r".utf8))
        #expect(bench.machine.with { $0.calls.count { $0 == "write" } } == 3)
        let reply = client.packets.first { $0.header.serial == 1 }
        #expect(reply.map(Answer.init)?.code == 0)
    }

    /// Five seconds in all: not anew after each byte, and not without end.
    @Test(arguments: [0, 1]) func aGuestHasFiveSecondsForTheShutdownLine(takes: Int) throws {
        bench.machine.with { $0.takes = takes }
        try client.call("domain_shutdown") { wire.write(&$0) }
        for _ in 0..<7 {
            #expect(client.answer == nil)
            bench.work()
            bench.loop.advanceTime(by: .milliseconds(700))
        }
        for _ in 0..<2 {
            bench.work()
            bench.loop.advanceTime(by: .milliseconds(700))
        }
        #expect(client.answer?.code == 68)
        #expect(bench.machine.with { $0.typed.count } == takes * 9)
    }

    /// What the guest wrote before is not shown, what it writes after the answer is: the place is known before the stream is open.
    @Test func aStreamBeginsWhereTheConsoleWasWhenItOpened() throws {
        bench.machine.with { $0.console = Array("old".utf8) }
        try open()
        #expect(client.packets.isEmpty)
        bench.work()
        #expect(client.answer?.code == 0)
        bench.machine.with { $0.console += Array("new".utf8) }
        bench.work()
        #expect(client.streamed == "new")
    }

    @Test func aConsoleThatIsRefusedTakesNoStream() throws {
        bench.machine.with { $0.partitions[1].permits = ControlOperations() }
        for _ in 0..<20 {
            try open()
            bench.work()
            #expect(client.answer?.code == 88)
        }
        bench.machine.with { $0.partitions[1].permits = .all }
        try open()
        bench.work()
        #expect(client.answer?.code == 0)
    }

    /// What is typed on a console whose machine takes nothing.
    private func typeWhatWaits() throws {
        bench.machine.with { $0.takes = 0 }
        try open()
        bench.work()
        try client.stream(Array("secret".utf8))
        bench.work()
    }

    /// The stream has ended with this error, and nothing of what waited was typed.
    private func expectEnd(_ code: Int32) throws {
        bench.machine.with { $0.takes = 1024 }
        for _ in 0..<3 {
            bench.work()
            bench.loop.advanceTime(by: .seconds(1))
        }
        let last = try #require(client.packets.last)
        #expect(last.header.type == .stream && last.header.status == .error && Answer(packet: last).code == code)
        #expect(bench.machine.with { $0.typed }.isEmpty)
    }

    /// The next machine on the line may have a partition of the same name: nothing is typed there that was meant for this one.
    @Test func aStreamEndsWithItsMachine() throws {
        try typeWhatWaits()
        bench.up(MemoryMachine.two, "other")
        try expectEnd(42)
    }

    @Test func theShutdownLineIsNotTypedOnAnotherMachine() throws {
        bench.machine.with { $0.takes = 5 }
        try client.call("domain_shutdown") { wire.write(&$0) }
        bench.work()
        bench.up(MemoryMachine.two, "other")
        for _ in 0..<3 { bench.work() }
        // One more was on its way already; what comes back for it is the last.
        #expect(client.answer?.code == 42)
        #expect(bench.machine.with { $0.typed.count } <= 10)
    }

    /// Keys that a deaf guest leaves lying are kept for the client that has typed them.
    @Test func keysThatWaitAreCounted() throws {
        bench.machine.with { $0.takes = 100 }
        try open()
        bench.work()
        try client.stream([UInt8](repeating: 65, count: 1000))
        #expect(client.connection.held == 1000 && bench.daemon.kept == 1000)
        bench.work()
        let left = 1000 - bench.machine.with { $0.typed.count }
        #expect(left < 1000 && client.connection.held == left && bench.daemon.kept == left)
        try client.stream([UInt8](repeating: 65, count: 100 << 10))
        #expect(client.connection.held == ConsoleFeed.maxKeys)
        client.connection.close()
        #expect(bench.daemon.kept == 0)
        bench.work()
        #expect(bench.daemon.kept == 0 && client.connection.held == 0)
    }

    /// Those that only read take places that a console does not need: neither to open, nor to show what comes.
    @Test func aConsoleIsShownHoweverMuchIsRead() throws {
        let flood = ReadFlood(bench)
        try open()
        bench.work()
        #expect(client.answer?.code == 0)
        for text in ["one", "two"] {
            bench.machine.with { $0.console += Array(text.utf8) }
            bench.work()
            bench.loop.advanceTime(by: ConsoleFeed.pause)
            bench.work()
        }
        #expect(client.streamed == "onetwo")
        #expect(flood.answered > 64)
    }

    /// Keys wait for changes, but not for what others only read. The line that asks a guest to shut down is a change.
    @Test func whatIsTypedHasItsPlace() throws {
        let flood = ReadFlood(bench), other = try bench.client()
        try open()
        bench.work()
        bench.machine.with { $0.calls = [] }
        try client.stream(Array("keys".utf8))
        #expect(client.connection.typed == 4)
        try other.call("domain_shutdown") { wire.write(&$0) }
        try other.call("domain_suspend") { wire.write(&$0) }
        bench.work()
        #expect(bench.machine.with { $0.calls } == ["write", "pause workload", "write"])
        #expect(bench.machine.with { $0.typed } == Array("shutdown now\rkeys".utf8))
        #expect(client.connection.typed == 0 && flood.answered > 64)
    }

    /// What was typed is not typed after the machine has hung up, though one of its name comes back: maybe as it starts anew.
    @Test func aStreamEndsWithItsConnection() throws {
        try typeWhatWaits()
        // Both wait a moment before they ask again.
        bench.daemon.take(.down("it hung up"))
        upAgain(bench.link.renew())
        try expectEnd(38)
        try open()
        bench.work()
        #expect(client.answer?.code == 0)
    }

    /// Where the console was is known of the machine before.
    @Test func aConsoleIsNotOpenedOnTheNextMachine() throws {
        try open()
        upAgain(1)
        bench.work()
        #expect(client.answer?.code == 38)
    }

    /// A machine of the same name and partitions.
    private func upAgain(_ connection: Int) {
        let partitions = bench.machine.with { $0.partitions }
        bench.daemon.take(.up(MemoryMachine.named("m"), [], partitions, connection: connection))
    }
}
