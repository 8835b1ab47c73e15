/// What somebody may have of something in a while, at a steady rate and with some to spare for a burst.
public struct Budget: Sendable {
    private let capacity: Int
    private let perSecond: UInt64
    public var ticksPerSecond: UInt64 = 1
    private var left: Int
    /// When `left` was filled up last.
    private var filled: UInt64 = 0

    /// Begins full.
    public init(capacity: Int, perSecond: UInt64) {
        self.capacity = capacity
        self.perSecond = perSecond
        left = capacity
    }

    /// Whether any is left at `now`, in ticks.
    public mutating func isLeft(now: UInt64) -> Bool {
        let unit = max(ticksPerSecond / perSecond, 1)
        // Eight seconds or more fill it at `capacity` <= `perSecond` * 8; the rest of a unit is kept for later.
        // A core whose clock is behind that of the last one sees no time pass.
        let passed = now > filled ? min(now - filled, ticksPerSecond * 8) : 0
        if passed >= unit {
            left = min(left + Int(passed / unit), capacity)
            filled = now &- passed % unit
        }
        return left > 0
    }

    /// The last that is spent may be more than was left; it is owed.
    public mutating func spend(_ amount: Int) { left -= amount }
}
