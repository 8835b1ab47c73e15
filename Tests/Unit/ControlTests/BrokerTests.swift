import Control
import ControlClient
import Foundation
import Testing

@Suite struct BrokerTests {
    let path = NSTemporaryDirectory() + "bulkhead-\(UUID().uuidString.prefix(8)).sock"

    func broker(_ machine: MachineThread, giveUpAfter: Duration = .seconds(3)) throws -> LinkBroker {
        var timeouts = LinkBroker.Timeouts()
        timeouts.resendAfter = .milliseconds(50)
        timeouts.giveUpAfter = giveUpAfter
        return try LinkBroker(descriptor: machine.descriptor, machine: "test", path: path, timeouts: timeouts)
    }

    @Test func manyToolsAtOnce() async throws {
        let machine = MachineThread()
        defer { machine.end() }
        let broker = try broker(machine)
        defer { broker.stop() }
        machine.with { $0.guestWrites(0, String(repeating: "tick\n", count: 700)) }
        let path = path
        let texts = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let client = try ControlClient(path: path)
                    var text: [UInt8] = []
                    while text.count < 3500 {
                        text += try client.readConsole("control-loop", from: UInt64(text.count)).bytes
                        _ = try client.list()
                    }
                    return text
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(texts == Array(repeating: Array(String(repeating: "tick\n", count: 700).utf8), count: 8))
    }

    @Test func eventsGoToThoseWhoAsked() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let broker = try broker(machine)
        defer { broker.stop() }
        let clients = try (0..<3).map { _ in try ControlClient(path: path) }
        try clients[0].subscribe()
        try clients[1].subscribe()
        try clients[2].change(.stop, "workload")
        for client in clients[..<2] {
            #expect(try client.nextEvent(timeout: .seconds(5))?.event.state == .stopped)
        }
        #expect(try clients[2].nextEvent(timeout: .milliseconds(20)) == nil)
        try clients[0].subscribe(false)
        try clients[2].change(.start, "workload")
        #expect(try clients[1].nextEvent(timeout: .seconds(5))?.event.state == .running)
        #expect(try clients[0].nextEvent(timeout: .milliseconds(20)) == nil)
    }

    @Test func aMachineThatHangsUpIsTold() throws {
        let machine = MachineThread()
        let broker = try broker(machine)
        let client = try ControlClient(path: path)
        #expect(try client.hello().cores == 5)
        machine.end()
        #expect(throws: LinkError.self) { try client.hello() }
        broker.stop()
        #expect(broker.hasEnded)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aSilentMachineIsNamedAndDoesNothingLater() throws {
        let machine = MachineThread(.init(loseReplies: .max))
        defer { machine.end() }
        let broker = try broker(machine, giveUpAfter: .milliseconds(150))
        defer { broker.stop() }
        let client = try ControlClient(path: path)
        #expect(throws: LinkError.refused(.noAnswer, .stop, partition: "workload")) {
            try client.change(.stop, "workload")
        }
        #expect(machine.with { $0.calls }.isEmpty)
    }

    @Test func lossBetweenBrokerAndMachineIsHidden() throws {
        let machine = MachineThread(.init(flipEach: 401))
        defer { machine.end() }
        let broker = try broker(machine)
        defer { broker.stop() }
        let client = try ControlClient(path: path)
        for _ in 0..<5 { try client.change(.restart, "workload") }
        #expect(machine.with { $0.calls } == Array(repeating: "restart 1", count: 5))
    }

    @Test func noiseFromAToolHarmsNobody() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let broker = try broker(machine)
        defer { broker.stop() }
        let hostile = try ByteStream.open(path)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<50 { try hostile.send((0..<997).map { _ in UInt8.random(in: 0...255, using: &random) }) }
        try hostile.send(Wire.rawFrame([UInt8](repeating: 1, count: 4000)))
        let answer = try receive(hostile)
        #expect(answer?.status == .oversized)
        #expect(try ControlClient(path: path).list().count == 3)
        #expect(machine.with { $0.calls }.isEmpty)
    }

    @Test func oneBrokerForASocket() throws {
        let machine = MachineThread()
        let other = MachineThread()
        defer { machine.end(); other.end() }
        let broker = try broker(machine)
        #expect(throws: LinkError.alreadyServed(path: path)) { try self.broker(other) }
        broker.stop()
    }

    @Test func aSocketLeftBehindIsReplaced() throws {
        let machine = MachineThread()
        defer { machine.end() }
        try Data().write(to: URL(fileURLWithPath: path))
        let broker = try broker(machine)
        #expect(try ControlClient(path: path).hello().cores == 5)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        broker.stop()
    }

    func receive(_ line: ByteStream) throws -> ArrivedFrame? {
        var receiver = FrameReceiver()
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline {
            for byte in try line.receive(timeout: .milliseconds(100)) {
                if let frame = receiver.frame(after: byte) { return frame }
            }
        }
        return nil
    }
}
