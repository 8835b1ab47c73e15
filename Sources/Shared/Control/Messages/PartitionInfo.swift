import Manifest

/// By what a partition's memory is encrypted. The raw values travel on the link.
public enum MemoryEncryption: UInt8, Sendable {
    /// By nothing that the manifest asked for.
    case none = 0
    /// By the machine's one key.
    case machineKey = 1
    /// By a key of its own, made anew at each start.
    case ownKey = 2
}

/// What `list` says of one partition: {1: array of these, in the manifest's order}.
public struct PartitionInfo: ControlMessage, Sendable {
    public var name = Label()
    public var state = PartitionState.stopped
    /// Why it is in this state.
    public var cause = StateCause.manifest
    public var cores = CoreSet()
    /// Bytes of guest memory.
    public var memory: UInt64 = 0
    /// How often its guest was started since the machine was.
    public var starts: UInt64 = 0
    /// Microseconds since the guest's first instruction; 0 while none runs.
    public var uptimeMicroseconds: UInt64 = 0
    /// Bytes that the hypervisor keeps for this partition, nested page tables included.
    public var hypervisorMemory: UInt64 = 0
    public var permits = ControlOperations()
    public var image = ImagePath()
    /// Microseconds until its guest, which has not lived long, is started again; 0 when nothing waits for that.
    public var startsInMicroseconds: UInt64 = 0
    /// How often its guest has kicked its watchdog since it started.
    public var kicks: UInt64 = 0
    /// Of the watch, bits 7:0 a `WatchPhase`, 63:32 verdicts since the guest's start.
    public var watch: UInt64 = 0
    /// By what its memory is encrypted.
    public var encryption = MemoryEncryption.none

    public init() {}

    public static var fieldCount: Int { 14 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &name)
        coder.field(2, &state)
        coder.field(3, &cause)
        coder.field(4, &cores)
        coder.field(5, &memory)
        coder.field(6, &starts)
        coder.field(7, &uptimeMicroseconds)
        coder.field(8, &hypervisorMemory)
        coder.field(9, &permits)
        coder.field(10, &image)
        coder.field(11, &startsInMicroseconds)
        coder.field(12, &kicks)
        coder.field(13, &watch)
        coder.field(14, &encryption)
    }
}
