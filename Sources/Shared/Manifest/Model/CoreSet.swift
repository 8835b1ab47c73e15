import Text

/// A set of core indices, 0 to 63, in the order in which the machine lists its processors.
public struct CoreSet: FlagSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The set of one core; empty if there is no such core number.
    public init(core: Int) { rawValue = 0...63 ~= core ? 1 << UInt64(core) : 0 }
    /// The lowest core; 64 when the set is empty.
    public var first: Int { rawValue.trailingZeroBitCount }
}
