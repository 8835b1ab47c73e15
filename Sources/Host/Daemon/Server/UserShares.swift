import NIOCore

/// With a policy any user of the machine may connect: what each may take of what all share.
struct UserShares {
    private struct Use {
        /// Changes that may be begun now; one more comes back each tenth of a second.
        var changes = Limits.userChanges
        var since: NIODeadline
        /// When he was last said to be a stranger.
        var told: NIODeadline?
    }
    private var uses: [UInt32: Use] = [:]
    /// Users that are remembered at most: of more, all begin anew.
    private static let most = 1000

    private subscript(uid: UInt32, now: NIODeadline) -> Use {
        mutating get {
            if uses.count >= Self.most, uses[uid] == nil { uses = [:] }
            return uses[uid] ?? Use(since: now)
        }
        set { uses[uid] = newValue }
    }

    /// Whether a user may begin one more change.
    mutating func takeChange(_ uid: UInt32, _ now: NIODeadline) -> Bool {
        var use = self[uid, now]
        let tenths = (now - use.since).nanoseconds / 100_000_000
        use.changes = min(Limits.userChanges, use.changes + Int(clamping: tenths))
        use.since = use.since + .milliseconds(tenths * 100)
        defer { self[uid, now] = use }
        guard use.changes > 0 else { return false }
        use.changes -= 1
        return true
    }

    /// Whether it is to be said of a stranger that he was here: once a minute.
    mutating func isNews(_ uid: UInt32, _ now: NIODeadline) -> Bool {
        var use = self[uid, now]
        if let told = use.told, now - told < .minutes(1) { return false }
        use.told = now
        self[uid, now] = use
        return true
    }
}
