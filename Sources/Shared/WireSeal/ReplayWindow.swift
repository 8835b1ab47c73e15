/// Which of the latest counters have come (RFC 4303, section 3.4.3): each is taken once, in any order within the window.
struct ReplayWindow: Sendable {
    /// Counters that may be late.
    static let size: UInt64 = 64
    /// One more than the highest that has come.
    private var end: UInt64 = 0
    /// Bit n: `end` - 1 - n has come.
    private var seen: UInt64 = 0

    func admits(_ counter: UInt64) -> Bool {
        guard counter < end else { return true }
        let age = end - 1 - counter
        return age < Self.size && seen >> age & 1 == 0
    }

    /// Notes one that is admitted and whose frame is authentic.
    mutating func take(_ counter: UInt64) {
        if counter < end {
            seen |= 1 << (end - 1 - counter)
        } else {
            let step = counter - end + 1
            seen = (step < Self.size ? seen << step : 0) | 1
            end = counter + 1
        }
    }
}
