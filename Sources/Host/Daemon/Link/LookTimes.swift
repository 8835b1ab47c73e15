import Control
import Manifest

/// When the machine's partitions are looked at: once a second, and soon after an event. What the machine tells does not have it
/// looked at without a pause.
struct LookTimes {
    /// When the next one is due.
    private(set) var next = ContinuousClock.now
    /// When the next one may be due after an event.
    private var earliest = ContinuousClock.now
    /// The machine has not answered the last one.
    var wasSilent = false
    /// What the machine said of itself at the last one: its name, its version, its trust, and how long it has been up.
    var known: MachineInfo?
    /// Between two looks, if nothing happens.
    static let period = Duration.seconds(1)
    /// Between two looks, however much happens.
    static let pause = Duration.milliseconds(50)

    /// Something has happened.
    mutating func hasten() { next = earliest }

    /// The machine has been looked at.
    mutating func note(_ now: ContinuousClock.Instant) { (next, earliest) = (now + Self.period, now + Self.pause) }

    /// Whether it is the same machine as at the last look, and has not been started anew since then.
    func isSame(_ info: MachineInfo) -> Bool {
        guard let known else { return true }
        return info.name.string == known.name.string && info.version.string == known.version.string
            && info.trust.rawValue == known.trust.rawValue
            && info.uptimeMicroseconds >= known.uptimeMicroseconds
    }
}
