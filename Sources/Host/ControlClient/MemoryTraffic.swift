import Resources

/// Bytes that a partition moved to and from memory, out of readings of a counter that begins again at 0. Between two of them it
/// must not have done so twice.
public struct MemoryTraffic {
    /// Bytes in a second that no package moves: twelve channels of DDR5-6400 carry 614 GB/s, four stacks of HBM2e less than twice
    /// that.
    private static let most = 1.2e12

    private var last: PartitionStatistics
    /// nil where the processor does not count, or it could not be told how often the counter began again.
    public private(set) var total: UInt64?
    public private(set) var local: UInt64?

    public init(since first: PartitionStatistics) {
        last = first
        (total, local) = (first.traffic?.total.map { _ in 0 }, first.traffic?.local.map { _ in 0 })
    }

    /// Seconds within which a counter begins again once at the most: 0 for one that is none.
    static func turn(_ counters: TrafficCounters) -> Double { Double(counters.wrap) / most }

    /// What was moved since an earlier moment, no longer ago than one turn of the counter.
    static func moved(_ now: UInt64, since: UInt64, wrap: UInt64) -> UInt64 {
        now >= since ? now - since : now &+ (wrap &- since)
    }

    /// Adds what was moved since the last reading.
    public mutating func add(_ now: PartitionStatistics) {
        defer { last = now }
        let seconds = Double(now.clockMicroseconds &- last.clockMicroseconds) / 1e6
        func add(_ sum: UInt64?, _ counter: (TrafficCounters) -> UInt64?) -> UInt64? {
            guard let sum, let old = last.traffic, let new = now.traffic, new.wrap == old.wrap,
                seconds < Self.turn(new), let since = counter(old), let value = counter(new)
            else { return nil }
            return sum &+ Self.moved(value, since: since, wrap: new.wrap)
        }
        (total, local) = (add(total, \.total), add(local, \.local))
    }
}
