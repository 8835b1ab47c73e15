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

    /// Gives a partition the virtio console that it has unless its file says otherwise: where it has a PCI bus, with room for one more
    /// function. Called once all channels are there.
    public mutating func addConsole(_ i: Int) {
        guard i < partitionCount, partitions[i].hasBus, partitions[i].console else { return }
        guard partitions[i].virtioFunctions < Self.maxVirtioFunctions else { return }
        partitions[i].virtio.insert(.console)
    }
}

extension PartitionSpec {
    /// How many virtio functions are on its bus.
    var virtioFunctions: Int { virtio.rawValue.nonzeroBitCount + wireCount }
}

extension MachineFacts {
    /// A machine with cores 0 to `coreCount` - 1; of more than 64 the first 64 count.
    public init(coreCount: Int, installedMemory: UInt64 = 0) {
        let cores = coreCount >= 64 ? UInt64.max : coreCount <= 0 ? 0 : (1 << UInt64(coreCount)) - 1
        self.init(cores: CoreSet(rawValue: cores), installedMemory: installedMemory)
    }
}

extension CoreSet {
    /// The highest core; -1 when the set is empty.
    public var last: Int { 63 - rawValue.leadingZeroBitCount }
}
