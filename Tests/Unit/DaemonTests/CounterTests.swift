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

    /// For one event after the other.
    private func register() throws -> Int32? {
        let event = Int32(client.connection.callbacks.count)
        guard let answer = try client.register(event), answer.code == 0 else { return nil }
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

    /// As often as libvirt's clients ask for it, and not as often as a client wants to have others' events delayed.
    @Test func aClientIsToldOfAnEventAFewTimes() throws {
        let loop = try bench.wire("loop"), workload = try bench.wire("workload")
        for domain in [nil, loop, workload] {
            for _ in 0..<16 { #expect(try client.register(of: domain)?.code == 0) }
            #expect(try client.register(of: domain)?.code == 9)
        }
        #expect(try client.register(1)?.code == 0)
        var partitions = MemoryMachine.two
        partitions[0].state = .running
        bench.daemon.take(.partitions(partitions))
        #expect(client.messages == Array(repeating: EventProcedures.lifecycle, count: 32))
        // One that is given back makes room.
        #expect(try client.call("connect_domain_event_callback_deregister_any") { $0.int32(1) }?.code == 0)
        #expect(try client.register()?.code == 0)
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
