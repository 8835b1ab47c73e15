import Control
import ControlClient
import enum ManifestFile.Readiness

/// Watches a whole running machine over its management link. Used by one thread.
public final class MachineWatch {
    public let client: ControlClient
    public private(set) var machine: MachineInfo
    /// In the manifest's order.
    public private(set) var partitions: [PartitionWatch] = []

    /// Waits until the machine answers at the socket `path`, at most `limit` by its progress.
    /// - Parameter readiness: when a partition's guest counts as ready, by its index.
    public init(
        _ machine: Machine, path: String, limit: Duration, readiness: [Int: Readiness] = [:]
    ) throws(LinkError) {
        client = try ControlClient(machine, path: path)
        self.machine = try client.waitUntilUp(limit)
        for (index, info) in try client.list().enumerated() {
            partitions.append(PartitionWatch(info, readiness[index]))
        }
    }

    /// Fetches everything that is new. Call it a few times a second.
    public func refresh() throws(LinkError) {
        let list = try client.list()
        for (partition, info) in zip(partitions, list) { try partition.refresh(info, client) }
        machine = try client.hello()
    }

    public func partition(_ name: String) -> PartitionWatch? { partitions.first { $0.name == name } }
}
