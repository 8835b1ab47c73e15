import Manifest

extension Manifest {
    /// Appends a partition; false, and nothing changed, when there are `maxPartitions` already.
    @discardableResult
    public mutating func append(_ partition: PartitionSpec) -> Bool {
        guard partitionCount < Self.maxPartitions else { return false }
        appendEmptyPartition()
        partitions[partitionCount - 1] = partition
        return true
    }
}

extension CoreSet {
    /// The highest core; -1 when the set is empty.
    public var last: Int { 63 - rawValue.leadingZeroBitCount }
}
