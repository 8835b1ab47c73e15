/// How long a partition waits before the manifest's policy starts its guest again: three starts in a row are at once, each
/// further one after a life of less than a second waits twice as long as the one before.
public struct RestartDelay: Sendable {
    private var shortLives = 0
    /// Of the hour that began with the first of them, milliseconds.
    private var restarts: UInt8 = 0, hourBegan: UInt64 = 0
    public init() {}

    /// What the next start waits, 6400 at most, after a guest that lived so long; both in milliseconds. A manager begins anew,
    /// and a short life that another's reset has ended is not the guest's fault.
    public mutating func next(after cause: StateCause, life: UInt64) -> UInt64 {
        if cause == .physicalFunction, life < 1000 { return 0 }
        shortLives = life < 1000 && cause != .manager ? min(shortLives + 1, 10) : 0
        return shortLives <= 3 ? 0 : 100 << UInt64(shortLives - 4)
    }

    /// Whether the policy may start a guest once more: `limit` times in each hour that begins with a restart.
    /// - Parameters:
    ///   - limit: 0: as often as it likes.
    ///   - now: milliseconds.
    public mutating func mayRestart(_ limit: UInt8, now: UInt64) -> Bool {
        if restarts == 0 || now &- hourBegan >= 3_600_000 { (restarts, hourBegan) = (0, now) }
        guard limit == 0 || restarts < limit else { return false }
        restarts = min(restarts, 254) + 1
        return true
    }
}
