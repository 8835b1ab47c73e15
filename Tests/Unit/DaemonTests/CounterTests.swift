import Control
@testable import Daemon
import LibvirtWire
import Testing

/// Numbers that count up with what clients do: behind the last one there is another.
@Suite struct CounterTests {
    private let bench: DaemonBench
    private let client: BenchClient

    init() throws {
        bench = try DaemonBench()
        client = try bench.client()
    }

    private func register() throws -> Int32? {
        guard let answer = try client.register(), answer.code == 0 else { return nil }
        var reader = XDRReader(answer.packet.payload)
        return try reader.int32()
    }

    @Test func callbacks() throws {
        #expect(try register() == 1)
        client.connection.nextCallback = .max
        #expect(try register() == .max)
        // 1 is in use.
        #expect(try register() == 2)
        for _ in 3..<255 { _ = try register() }
        #expect(client.connection.callbacks.count == 255)
        client.connection.nextCallback = 1
        #expect(try register() == 255)
        #expect(try register() == nil)
    }

    @Test func domains() throws {
        func look(_ loop: PartitionState, _ workload: PartitionState) -> [Int32] {
            var partitions = MemoryMachine.two
            (partitions[0].state, partitions[1].state) = (loop, workload)
            bench.daemon.take(.partitions(partitions))
            return bench.daemon.machine.partitions.map(\.id)
        }
        #expect(look(.running, .stopped) == [1, -1])
        bench.daemon.machine.nextID = .max
        #expect(look(.running, .running) == [1, .max])
        #expect(look(.running, .stopped) == [1, -1])
        #expect(look(.running, .running) == [1, 2])
    }
}
