import Control
import ControlClient
import Testing

/// What commands decide with: whether a change has happened, what is new on a console, whether a line has come.
@Suite struct ToolTests {
    static func info(_ state: PartitionState, starts: UInt64) -> PartitionInfo {
        var info = PartitionInfo()
        (info.state, info.starts) = (state, starts)
        return info
    }

    static let cases: [(ControlOperation, PartitionState, UInt64, LifecycleChange.Progress)] = [
        // The state is there already, and yet the start that was asked for is to come.
        (.restart, .running, 1, .underWay), (.restart, .stopping, 1, .underWay), (.restart, .starting, 1, .underWay),
        (.restart, .running, 2, .done), (.restart, .stopped, 2, .ended), (.restart, .crashed, 2, .ended),
        (.start, .crashed, 1, .underWay), (.start, .running, 2, .done), (.start, .crashed, 2, .ended),
        (.stop, .stopping, 1, .underWay), (.stop, .stopped, 1, .done), (.stop, .crashed, 1, .ended),
        (.pause, .running, 1, .underWay), (.pause, .paused, 1, .done), (.pause, .crashed, 1, .ended),
        (.resume, .paused, 1, .underWay), (.resume, .running, 1, .done), (.resume, .stopped, 1, .ended),
    ]

    @Test(arguments: cases) func aChangeIsFollowed(
        _ operation: ControlOperation, _ state: PartitionState, _ starts: UInt64, _ progress: LifecycleChange.Progress
    ) throws {
        let change = try #require(LifecycleChange(operation, before: Self.info(.running, starts: 1)))
        #expect(change.progress(Self.info(state, starts: starts)) == progress)
    }

    @Test func aQuestionChangesNothing() {
        #expect(LifecycleChange(.list, before: Self.info(.running, starts: 1)) == nil)
    }

    func client(_ machine: MachineThread) -> ControlClient {
        ControlClient(ByteStream(descriptor: machine.descriptor, path: "test"))
    }

    @Test func aConsoleIsReadOnAndItsLossIsTold() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        var stream = ConsoleStream(partition: "workload")
        // What was overwritten before anyone looked is not told.
        machine.with { $0.guestWrites(1, String(repeating: "x", count: 5000) + "end") }
        var bytes: [UInt8] = []
        for _ in 0..<5 { bytes += try stream.next(client) }
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("end") && !bytes.contains(UInt8(ascii: "[")))
        #expect(bytes.count == 4096)
        #expect(try stream.next(client).isEmpty)
        machine.with { $0.guestWrites(1, String(repeating: "y", count: 4196)) }
        let told = String(decoding: try stream.next(client), as: UTF8.self)
        #expect(told.hasPrefix("\r\n[100 bytes lost]\r\nyyy"))
        try stream.skipToEnd(client)
        #expect(try stream.next(client).isEmpty)
    }

    @Test func whatAGuestDoesNotTakeIsGivenUp() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        let stream = ConsoleStream(partition: "workload")
        // The model's UART takes 1500 bytes in all.
        #expect(try stream.type([UInt8](repeating: 1, count: 1500), client, limit: .milliseconds(100)))
        #expect(try !stream.type([2], client, limit: .milliseconds(100)))
        #expect(machine.with { $0.partitions[1].input.count } == 1500)
    }

    @Test func aLineIsFoundWhereverItIsCut() {
        func place(_ wanted: String, _ text: String) -> Int? {
            var search = LineSearch(for: wanted)
            return Array(text.utf8).firstIndex { search.isFound(after: $0) }
        }
        #expect(place("ready", "not yet\nget ready now\n") == 16)
        #expect(place("ready", "rea\ndy\n") == nil)
        #expect(place("end", String(repeating: "x", count: 10_000) + "end") == 10_002)
        #expect(place("", "abc") == nil)
    }

    @Test func aRefusalIsToldFromSilence() {
        #expect(LinkError.refused(.notPermitted, .stop, partition: "a").isRefusal)
        #expect(LinkError.unwritable("x").isRefusal)
        #expect(!LinkError.refused(.noAnswer, .stop, partition: "a").isRefusal)
        #expect(!LinkError.refused(.linkDown, .stop, partition: nil).isRefusal)
        #expect(!LinkError.noAnswer(path: "a", seconds: 1).isRefusal && !LinkError.closed(path: "a").isRefusal)
    }
}
