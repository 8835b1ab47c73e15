/// A watchdog of two byte registers in I/O space, which the guest finds by an ACPI watchdog action table (Microsoft, Hardware
/// Watchdog Timers Design Specification 1.0; Linux's wdat_wdt drives it). It only keeps the moment at which the guest is to
/// end: whoever owns a clock looks for that.
public struct Watchdog: Sendable {
    /// Seconds from the guest's first instruction in which it must kick first, or stop the watchdog; 0: there is none.
    private let grace: UInt64
    private let ticksPerSecond: UInt64
    /// Seconds from one kick to the next, as the guest wants it.
    private var timeout: UInt64
    /// The time-stamp counter at which the guest ends unless it kicks before; 0 while the watchdog is stopped.
    public private(set) var deadline: UInt64 = 0

    public init(_ platform: borrowing PlatformDescription) {
        grace = UInt64(platform.watchdog)
        ticksPerSecond = UInt64(platform.tscKHz) * 1000
        timeout = min(grace, 255)
    }

    /// At the guest's first instruction.
    /// - Parameter tsc: the time-stamp counter now.
    public mutating func start(tsc: UInt64) { deadline = grace == 0 ? 0 : tsc &+ grace &* ticksPerSecond }

    /// What a register reads; nil where there is no watchdog.
    /// - Parameter register: 0 whether it runs, 1 the seconds.
    func read(_ register: UInt8) -> UInt8? {
        if grace == 0 { return nil }
        return register == 0 ? (deadline == 0 ? 0 : 1) : UInt8(truncatingIfNeeded: timeout)
    }

    /// 1 in register 0 starts it, or kicks it where it runs, and all else stops it. Register 1 counts from the next kick on.
    /// - Returns: whether that changed the deadline.
    mutating func write(_ register: UInt8, _ value: UInt8, tsc: UInt64) -> Bool {
        if register == 1 { timeout = max(UInt64(value), 1) }
        guard register == 0, grace != 0 else { return false }
        deadline = value == 1 ? tsc &+ timeout &* ticksPerSecond : 0
        return true
    }
}
