/// When the machine's partitions are looked at: once a second, and soon after an event. What the machine tells does not have it
/// looked at without a pause.
struct LookTimes {
    /// When the next one is due.
    private(set) var next = ContinuousClock.now
    /// When the next one may be due after an event.
    private var earliest = ContinuousClock.now
    /// The machine has not answered the last one.
    var wasSilent = false
    /// Between two looks, if nothing happens.
    static let period = Duration.seconds(1)
    /// Between two looks, however much happens.
    static let pause = Duration.milliseconds(50)

    /// Something has happened.
    mutating func hasten() { next = earliest }

    /// The machine has been looked at.
    mutating func note(_ now: ContinuousClock.Instant) { (next, earliest) = (now + Self.period, now + Self.pause) }
}
