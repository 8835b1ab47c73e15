import Resources
import Testing

@testable import ControlClient
@testable import Reports

/// Bytes out of counters that begin again: never fewer than were moved, or none.
@Suite struct MemoryTrafficTests {
    /// 24 bits of 64 KiB.
    private static let wrap: UInt64 = 1 << 40

    private func reading(_ seconds: Double, moved: UInt64?, wrap: UInt64 = wrap) -> PartitionStatistics {
        var statistics = PartitionStatistics(clockMicroseconds: UInt64(seconds * 1e6), vcpus: [])
        var traffic = TrafficCounters()
        (traffic.wrap, traffic.total, traffic.local) = (wrap, moved.map { $0 % wrap }, moved.map { $0 / 2 % wrap })
        statistics.traffic = traffic
        return statistics
    }

    @Test func countersBeginAgain() {
        #expect(MemoryTraffic.moved(30, since: 10, wrap: 64) == 20)
        #expect(MemoryTraffic.moved(10, since: 60, wrap: 64) == 14)
    }

    /// 400 GB/s for a minute: the counter begins again 21 times.
    @Test func manyTurns() {
        var traffic = MemoryTraffic(since: reading(3, moved: 0))
        for step in 1...240 {
            traffic.add(reading(3 + Double(step) / 4, moved: UInt64(step) * 100_000_000_000))
        }
        #expect(traffic.total == 24_000_000_000_000 && traffic.local == 12_000_000_000_000)
    }

    /// Where it may have begun again twice between two readings, the sum is not known, then or later.
    @Test func aReadingThatComesLate() {
        var traffic = MemoryTraffic(since: reading(0, moved: 0))
        traffic.add(reading(0.5, moved: 1 << 30))
        #expect(traffic.total == 1 << 30)
        traffic.add(reading(1.5, moved: 2 << 30))
        traffic.add(reading(1.6, moved: 3 << 30))
        #expect(traffic.total == nil && traffic.local == nil)
        // A counter of 44 bits has time for it.
        var wide = MemoryTraffic(since: reading(0, moved: 0, wrap: 1 << 60))
        wide.add(reading(3600, moved: 5 << 40, wrap: 1 << 60))
        #expect(wide.total == 5 << 40)
    }

    @Test func whatIsNotCounted() {
        var traffic = MemoryTraffic(since: PartitionStatistics(clockMicroseconds: 0, vcpus: []))
        traffic.add(reading(0.1, moved: 5))
        #expect(traffic.total == nil)
        // AMD's says nothing for a while.
        traffic = MemoryTraffic(since: reading(0, moved: 1))
        traffic.add(reading(0.1, moved: nil))
        traffic.add(reading(0.2, moved: 2))
        #expect(traffic.total == nil && traffic.local == nil)
    }

    /// `stats --for` has two readings alone.
    @Test func statistics() {
        let before = reading(0, moved: 1 << 30)
        #expect(ExitCount("a", reading(0.5, moved: 3 << 30), since: before).memoryBytes == 2 << 30)
        #expect(ExitCount("a", reading(60, moved: 3 << 30), since: before).memoryBytes == nil)
        let wide = (reading(0, moved: 1, wrap: 1 << 50), reading(60, moved: 9, wrap: 1 << 50))
        #expect(ExitCount("a", wide.1, since: wide.0).memoryBytes == 8)
    }
}
