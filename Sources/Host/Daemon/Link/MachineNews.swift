import Control

/// What the link's thread tells the daemon of the machine.
enum MachineNews: Sendable {
    /// It answers: what it is, what it has, what its partitions do.
    case up(MachineInfo, [InventoryItem], [PartitionInfo])
    case partitions([PartitionInfo])
    case event(ControlEvent)
    /// It does not answer; for people.
    case down(String)
}
