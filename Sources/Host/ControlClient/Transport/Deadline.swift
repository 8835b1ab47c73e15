/// What a wait is measured by.
public protocol WaitClock: Sendable {
    /// Time since a moment that stays the same. It advances no faster than the host's clock.
    var now: Duration { get }
}

/// The host's clock: right for a machine that does not depend on what else the host does.
public struct HostClock: WaitClock {
    private static let start = ContinuousClock.now
    public init() {}
    public var now: Duration { ContinuousClock.now - Self.start }
}

/// The end of a wait, by any clock.
public struct Deadline: Sendable {
    private let clock: any WaitClock
    private let end: Duration

    public init(_ clock: any WaitClock, after limit: Duration) {
        self.clock = clock
        end = clock.now + limit
    }

    /// At least so long by the host's clock, too; zero when the wait is over.
    public var left: Duration { max(end - clock.now, .zero) }
    public var isOver: Bool { left == .zero }
}
