/// What `statistics` answers before the exit counters: those of some vCPUs, from the one that was asked for on, follow as
/// {4: array of arrays of numbers in the order of `ExitReason`}, and where the silicon counts traffic {5: array: bytes in the
/// last-level cache, bytes moved, bytes moved to and from the package's own memory, where the counters begin again}; a number
/// that is not known is all ones.
public struct StatisticsPage: ControlMessage, Sendable {
    /// As many vCPUs as one frame holds, with each counter at its largest.
    public static let capacity = 12

    /// The machine's clock, microseconds since the hypervisor's first instruction: what rates are computed with.
    public var clockMicroseconds: UInt64 = 0
    /// How many vCPUs the partition has.
    public var vcpus = 0
    /// The first vCPU here.
    public var first = 0

    public init() {}

    public static var fieldCount: Int { 3 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &clockMicroseconds)
        coder.field(2, &vcpus, max: 64)
        coder.field(3, &first, max: 63)
    }
}
