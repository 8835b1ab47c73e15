import Control

/// What `inventory` answers before the items: some of them, from the one that was asked for on, follow as {3: array of arrays
/// of numbers, the kind first}.
public struct InventoryPage: ControlMessage, Sendable {
    /// How many items there are in all.
    public var total = 0
    /// The index of the first item here.
    public var first = 0

    public init() {}

    public static var fieldCount: Int { 2 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &total, max: 1 << 16)
        coder.field(2, &first, max: 1 << 16)
    }
}

/// What `statistics` answers before the exit counters: those of some vCPUs, from the one that was asked for on, follow as
/// {4: array of arrays of numbers in the order of `ExitReason`}, and where the silicon counts traffic {5: array: bytes in the
/// last-level cache, bytes moved, bytes moved to and from the package's own memory, where the counters begin again}; a number
/// that is not known is all ones. Where the partition has ends of channels, {6: array of `ChannelCounters`}.
public struct StatisticsPage: ControlMessage, Sendable {
    /// The machine's clock, microseconds since the hypervisor's first instruction: what rates are computed with.
    public var clockMicroseconds: UInt64 = 0
    /// How many vCPUs the partition has.
    public var vcpus = 0
    /// The first vCPU here.
    public var first = 0

    public init() {}

    public static var fieldCount: Int { 3 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &clockMicroseconds, max: .max)
        coder.field(2, &vcpus, max: 64)
        coder.field(3, &first, max: 63)
    }
}
