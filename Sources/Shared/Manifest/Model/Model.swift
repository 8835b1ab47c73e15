import Text

/// A partition's or machine's name: 1 to 31 of `a-z 0-9 -`, starting with a letter.
public typealias Label = Text<31>
/// A path below `\BULKHEAD` on the boot volume, with `/` between its parts.
public typealias ImagePath = Text<63>
/// What the guest gets as its command line.
public typealias CommandLine = Text<511>

/// A set of core indices, 0 to 63, in the order in which the machine lists its processors.
public struct CoreSet: FlagSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The set of one core; empty if there is no such core number.
    public init(core: Int) { rawValue = 0...63 ~= core ? 1 << UInt64(core) : 0 }
    /// The lowest core; 64 when the set is empty.
    public var first: Int { rawValue.trailingZeroBitCount }
    /// The highest core; -1 when the set is empty.
    public var last: Int { 63 - rawValue.leadingZeroBitCount }
}

/// What happens when a guest powers off, reboots or crashes.
public enum LifecycleAction: UInt8, Sendable {
    /// The partition stays stopped, its memory cleared.
    case stop = 0
    /// Memory is cleared, the image loaded anew, the guest started.
    case restart = 1
}

/// The operations that a manager may ask of a partition.
public struct ControlOperations: FlagSet, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let start = ControlOperations(rawValue: 1 << 0)
    public static let stop = ControlOperations(rawValue: 1 << 1)
    public static let pause = ControlOperations(rawValue: 1 << 2)
    public static let resume = ControlOperations(rawValue: 1 << 3)
    public static let restart = ControlOperations(rawValue: 1 << 4)
    public static let consoleRead = ControlOperations(rawValue: 1 << 5)
    public static let consoleWrite = ControlOperations(rawValue: 1 << 6)
    public static let statistics = ControlOperations(rawValue: 1 << 7)
    public static let all = ControlOperations(rawValue: 0xFF)
}

/// Weaknesses that a partition's owner accepts by name.
public struct Acceptances: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Another owner has the other thread of one of the partition's physical cores (SMT).
    public static let splitSMT = Acceptances(rawValue: 1 << 0)
    public static let all = splitSMT
}

/// What kind of link a manager may use. Without one the machine takes no requests at all.
public enum ManagementLink: UInt8, Sendable {
    case none = 0
    /// The machine's second serial port (COM2, 2F8h).
    case serial = 1
}

/// One partition as its owner wants it.
public struct PartitionSpec: Sendable {
    public var name = Label()
    /// Guest vCPU n is the n-th lowest core of this set.
    public var cores = CoreSet()
    /// Bytes; a multiple of 2 MiB, at least 16 MiB.
    public var memorySize: UInt64 = 0
    /// First physical address, 2 MiB aligned; 0 lets the hypervisor choose.
    public var memoryBase: UInt64 = 0
    public var image = ImagePath()
    /// Linux only; empty when there is none.
    public var initrd = ImagePath()
    public var commandLine = CommandLine()
    /// Whether the guest is shown a UART at 3F8h.
    public var console = true
    /// Whether the partition's guest is started with the machine.
    public var autostart = true
    public var onPoweroff = LifecycleAction.stop
    public var onReboot = LifecycleAction.restart
    public var onCrash = LifecycleAction.stop
    public var permits = ControlOperations()
    public var devices = DeviceList()
    public var accepts = Acceptances()
    public init() {}
}

/// The signed description of a machine's partitions.
public struct Manifest: Sendable {
    public static let maxPartitions = 8
    public var name = Label()
    /// How many cores the machine must have, at least.
    public var machineCores = 0
    /// How many bytes of memory the machine must have, at least.
    public var machineMemory: UInt64 = 0
    /// The core that answers management requests. It may also run a partition's vCPU.
    public var housekeeping = 0
    public var link = ManagementLink.none
    /// The first `partitionCount` count.
    public var partitions: InlineArray<8, PartitionSpec>
    public private(set) var partitionCount = 0

    public init() { partitions = InlineArray(repeating: PartitionSpec()) }

    /// Appends a partition; false, and nothing changed, when there are `maxPartitions` already.
    @discardableResult
    public mutating func append(_ partition: PartitionSpec) -> Bool {
        guard partitionCount < Self.maxPartitions else { return false }
        partitions[partitionCount] = partition
        partitionCount += 1
        return true
    }

    /// Appends a partition without a copy of one from the caller; the caller has seen that there is room.
    mutating func appendEmptyPartition() {
        partitions[partitionCount] = PartitionSpec()
        partitionCount += 1
    }

    mutating func removeAllPartitions() { partitionCount = 0 }
}
