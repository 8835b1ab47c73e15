import NIOCore
import Policy

/// With a policy any user of the machine may connect: what each may take of what all share.
struct UserShares {
    /// Of the policy's users and certificates, of whom there are as many as it has lines: how many changes they may begin now, and
    /// since when one more comes back each tenth of a second.
    private var changes: [PolicySubject: (left: Int, since: NIODeadline)] = [:]

    /// Whether a user may begin one more change.
    mutating func takeChange(_ subject: PolicySubject, _ now: NIODeadline) -> Bool {
        var (left, since) = changes[subject] ?? (Limits.userChanges, now)
        let tenths = (now - since).nanoseconds / 100_000_000
        left = min(Limits.userChanges, left + Int(clamping: tenths))
        since = since + .milliseconds(tenths * 100)
        defer { changes[subject] = (left, since) }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}

/// Whoever is refused may come as often as he likes, and as many as like: it is said once a minute.
struct RefusalWords {
    /// Connections that were refused since that was said last, and when it was.
    private var refused = 0
    private var told: NIODeadline?

    /// A connection was refused.
    /// - Returns: how many others were since it was said; nil: it is not said.
    mutating func refuse(_ now: NIODeadline) -> Int? {
        if let told, now - told < .minutes(1) {
            refused += 1
            return nil
        }
        defer { (refused, told) = (0, now) }
        return refused
    }
}
