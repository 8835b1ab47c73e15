import Resources

/// The machine that a `ControlServer` serves. The server has checked and authorised all that it asks; indices are those
/// of partitions, 0 to `partitionCount` - 1, in the manifest's order. Each method returns at once: what takes time is
/// begun, and an event tells its end. Also what only reads is `mutating`: a large machine is then never copied to the stack.
public protocol ControlBackend: ~Copyable {
    /// What `hello` answers, but for `partitions` and `damagedFrames`, which the server fills in.
    mutating func machine() -> MachineInfo

    /// At most `Manifest.maxPartitions`.
    var partitionCount: Int { get }
    mutating func info(_ partition: Int) -> PartitionInfo
    /// - Parameter vcpu: below the number of the partition's cores.
    mutating func exits(_ partition: Int, vcpu: Int) -> ExitCounters
    /// What the silicon has counted of a partition.
    mutating func traffic(_ partition: Int) -> TrafficCounters
    /// How many channels have an end in the partition, at most `Manifest.maxChannels`.
    mutating func channelCount(_ partition: Int) -> Int
    /// What that end has done. `index` is below their number.
    mutating func channel(_ partition: Int, _ index: Int) -> ChannelCounters
    /// Microseconds since the hypervisor's first instruction.
    mutating func clockMicroseconds() -> UInt64

    /// What a vCPU's core has read back (`ProtectionReport.word`), 0 where it has not since this was called before.
    mutating func takeProtection(_ partition: Int, vcpu: Int) -> UInt64
    /// Has those cores read back again whose answer was taken, and gives what the one that executes this reads back.
    mutating func beginSelfCheck(_ partition: Int) -> UInt64

    /// How many items the inventory has.
    var inventoryCount: Int { mutating get }
    /// - Parameter index: 0 to `inventoryCount` - 1.
    mutating func inventory(_ index: Int) -> InventoryItem

    /// Copies console bytes from stream position `from` on, or from the oldest byte that is still in the ring if that is
    /// newer, into the beginning of `buffer`. A `from` beyond the end gives no bytes and `position` = `end`.
    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange

    /// The same of the hypervisor's own lines; nil where the link may not ask for them.
    mutating func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange?

    /// Offers bytes to the guest's UART; returns how many of them, from the first on, it took.
    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int

    /// Begins an operation that leads to another state: `ok`, `busy` or `failed`.
    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus

    /// The oldest event not fetched yet.
    mutating func nextEvent() -> ControlEvent?
}
