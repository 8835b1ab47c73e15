import Control

/// What the link's thread tells the daemon of the machine.
enum MachineNews: Sendable {
    /// It answers: what it is, what it has, what its partitions do; by which of the link's connections.
    case up(MachineInfo, [InventoryItem], [PartitionInfo], connection: Int = 0)
    case partitions([PartitionInfo])
    case event(ControlEvent)
    /// It does not answer; for people.
    case down(String)
}
