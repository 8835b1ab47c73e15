/// A moment in UTC, in the Gregorian calendar.
public struct CalendarTime: Equatable, Sendable {
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 1 to 7; Sunday is 1, as the clock chip counts.
    public var weekday: Int
    public var hour: Int
    public var minute: Int
    public var second: Int

    /// - Parameter unixTime: seconds since 1970-01-01; from the year 10000 on they are taken for its last second.
    public init(unixTime: UInt64) {
        let seconds = Int(min(unixTime, 253_402_300_799))
        let days = seconds / 86_400
        hour = seconds / 3600 % 24
        minute = seconds / 60 % 60
        second = seconds % 60
        weekday = (days + 4) % 7 + 1  // 1970-01-01 was a Thursday

        // Count from 1 March of the year 0, so that a leap day is the last day of its year, century and cycle.
        var rest = days + 719_468
        year = rest / 146_097 * 400
        rest %= 146_097
        let centuries = min(rest / 36_524, 3)
        rest -= centuries * 36_524
        let quadrennia = rest / 1461
        rest -= quadrennia * 1461
        let years = min(rest / 365, 3)
        rest -= years * 365
        year += centuries * 100 + quadrennia * 4 + years

        let lengths: [12 of Int] = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29]
        var index = 0
        while rest >= lengths[index] {
            rest -= lengths[index]
            index += 1
        }
        month = index < 10 ? index + 3 : index - 9
        if month < 3 { year += 1 }
        day = rest + 1
    }
}
