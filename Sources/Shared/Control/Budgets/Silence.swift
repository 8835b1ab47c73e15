/// Whether a core of which something is wanted gives no sign of life. Looks may be far apart: nothing counts that was not wanted at
/// the look before.
public struct Silence: Sendable {
    /// The latest count of its signs, and since when there is no other although something is wanted.
    private var life = UInt64.max, since: UInt64 = 0
    private var wasWanted = false
    public init() {}

    /// A look. True where it has been silent for longer than `limit`, all in ticks; then it begins anew.
    public mutating func isOver(_ limit: UInt64, life: UInt64, isWanted: Bool, now: UInt64) -> Bool {
        if life != self.life || !isWanted || !wasWanted { (self.life, since) = (life, now) }
        wasWanted = isWanted
        guard now - since > limit else { return false }
        since = now
        return true
    }
}
