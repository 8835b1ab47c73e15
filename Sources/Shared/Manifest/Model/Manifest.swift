import Resources
import Text

/// What kind of link a manager may use. Without one the machine takes requests of a control partition
/// alone.
public enum ManagementLink: UInt8, Sendable {
    case none = 0
    /// The machine's second serial port (COM2, 2F8h).
    case serial = 1
}

/// The signed description of a machine's partitions.
public struct Manifest: Sendable {
    public static let maxPartitions = 8
    /// As many as one partition can have beside one console (`GuestBus`).
    public static let maxChannels = 7
    public var name = Label()
    /// How many cores the machine must have, at least.
    public var machineCores = 0
    /// How many bytes of memory the machine must have, at least.
    public var machineMemory: UInt64 = 0
    /// The core that answers management requests. It may also run a partition's vCPU.
    public var housekeeping = 0
    public var link = ManagementLink.none
    /// What the machine must have, or nothing is started.
    public var requires = TrustAnchors()
    /// A machine whose TPM counts such versions starts no older one afterwards; 0: the manifest has none, and is older than all.
    public var securityVersion: UInt64 = 0
    /// Of the housekeeping core, where no partition has it: cache and bandwidth.
    public var housekeepingResources = ResourceDemand()
    /// The first `partitionCount` count.
    public var partitions: InlineArray<8, PartitionSpec>
    public private(set) var partitionCount = 0
    /// Likewise the first `channelCount`.
    public var channels = InlineArray<7, ChannelSpec>(repeating: ChannelSpec())
    public private(set) var channelCount = 0

    public init() { partitions = InlineArray(repeating: PartitionSpec()) }

    /// Appends a partition without a copy of one from the caller; the caller has seen that there is room.
    package mutating func appendEmptyPartition() {
        partitions[partitionCount] = PartitionSpec()
        partitionCount += 1
    }

    /// Appends a channel; the caller has seen that there is room. Ends that are of no partition are refused later.
    package mutating func append(_ channel: ChannelSpec) {
        for end in 0..<2 where channel.ends[end].partition < partitionCount {
            partitions[channel.ends[end].partition].wireCount += 1
        }
        channels[channelCount] = channel
        channelCount += 1
    }

    mutating func removeAllPartitions() {
        partitionCount = 0
        channelCount = 0
        housekeepingResources = ResourceDemand()
        requires = TrustAnchors()
        securityVersion = 0
    }
}
