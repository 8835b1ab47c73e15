import ControlClient

/// Bytes that partitions have moved since the daemon looks, out of the silicon's counters, which begin again at 0: these would look like
/// resets. Nothing is said where one may have begun again twice between two pages: of 24 bits it does so within a second or two.
struct TrafficSums {
    private var sums: [String: MemoryTraffic] = [:]
    /// As of the last reading.
    private(set) var totals: [String: UInt64] = [:]

    mutating func add(_ statistics: [String: PartitionStatistics]) {
        (totals, sums) = ([:], sums.filter { statistics[$0.key] != nil })
        for (name, now) in statistics where now.traffic?.total != nil {
            sums[name]?.add(now)
            totals[name] = sums[name]?.total
            if totals[name] == nil { sums[name] = MemoryTraffic(since: now) }
        }
    }
}
