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

        // Count from 1 March of the year 0, so that a leap day is the last day of its year, century and era of 400 years; five
        // months from there on have 153 days.
        let sinceMarch = days + 719_468, dayOfEra = sinceMarch % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100)
        let index = (dayOfYear * 5 + 2) / 153
        day = dayOfYear - (index * 153 + 2) / 5 + 1
        month = index < 10 ? index + 3 : index - 9
        year = sinceMarch / 146_097 * 400 + yearOfEra + (month < 3 ? 1 : 0)
    }
}
