import Control
import ControlClient

/// Watches a whole running machine over its management link. Used by one thread.
public final class MachineWatch {
    public let client: ControlClient
    public private(set) var machine: MachineInfo
    /// In the manifest's order.
    public private(set) var partitions: [PartitionWatch] = []

    /// Waits until the machine answers at the socket `path`, at most `limit` by its progress.
    public init(_ machine: Machine, path: String, limit: Duration) throws(LinkError) {
        client = try ControlClient(machine, path: path)
        self.machine = try client.waitUntilUp(limit)
        for info in try client.list() { partitions.append(PartitionWatch(info)) }
    }

    /// Fetches everything that is new. Call it a few times a second.
    public func refresh() throws(LinkError) {
        let list = try client.list()
        for (partition, info) in zip(partitions, list) { try partition.refresh(info, client) }
        machine = try client.hello()
    }

    public func partition(_ name: String) -> PartitionWatch? { partitions.first { $0.name == name } }
}
