import ControlClient

extension ControlClient {
    /// Those of several partitions. One that has just stopped has none; the others have.
    func statistics(of partitions: [String]) throws(LinkError) -> [String: PartitionStatistics] {
        var found: [String: PartitionStatistics] = [:]
        for name in partitions {
            do throws(LinkError) { found[name] = try statistics(name) } catch {
                guard error.isRefusal else { throw error }
            }
        }
        return found
    }
}
