import ControlClient

extension ControlClient {
    /// Those of several partitions. One that has just stopped has none; the others have.
    /// - Parameter limit: what is not begun within it is left out.
    func statistics(
        of partitions: [String], within limit: Duration
    ) throws(LinkError) -> [String: PartitionStatistics] {
        var found: [String: PartitionStatistics] = [:]
        let end = ContinuousClock.now + limit
        for name in partitions {
            guard ContinuousClock.now < end else { break }
            do throws(LinkError) { found[name] = try statistics(name) } catch {
                guard error.isRefusal else { throw error }
            }
        }
        return found
    }
}
