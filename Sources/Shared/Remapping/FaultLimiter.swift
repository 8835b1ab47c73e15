/// Keeps a function that faults all the time from keeping the core busy that reads of it: at most 16 faults a second.
public struct FaultLimiter: Sendable {
    public static let limit = 16
    private let ticksPerSecond: UInt64
    private var start: UInt64 = 0
    private var count = 0

    public enum Decision: Equatable, Sendable {
        /// Read on.
        case read
        /// Read nothing before the second is over.
        case hold
        /// The second is over: announce faults again, and read on.
        case resume
    }

    public init(ticksPerSecond: UInt64) { self.ticksPerSecond = ticksPerSecond }

    /// Whether the next fault may be read at `now`, in TSC ticks.
    public mutating func decide(now: UInt64) -> Decision {
        let wasFull = count >= Self.limit
        if now &- start >= ticksPerSecond {
            start = now
            count = 0
            return wasFull ? .resume : .read
        }
        return wasFull ? .hold : .read
    }

    /// Counts a fault that was read.
    /// - Returns: whether it was the last of this second: the announcements stop.
    public mutating func record() -> Bool {
        count += 1
        return count >= Self.limit
    }
}
