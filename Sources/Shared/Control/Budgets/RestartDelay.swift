/// How long a partition waits before the manifest's policy starts its guest again: three starts in a row are at once, each
/// further one after a life of less than a second waits twice as long as the one before.
public struct RestartDelay: Sendable {
    private var shortLives = 0
    public init() {}

    /// What the next start waits, 6400 at most.
    public var milliseconds: UInt64 { shortLives <= 3 ? 0 : 100 << UInt64(shortLives - 4) }

    /// Notes how long the guest lived, milliseconds.
    public mutating func add(life: UInt64) { shortLives = life < 1000 ? min(shortLives + 1, 10) : 0 }
}
