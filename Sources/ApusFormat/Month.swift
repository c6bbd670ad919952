// Where a month begins, in the Gregorian calendar with a fixed distance from UTC.

/// The month that holds a moment. All times are milliseconds since 1970.
struct Month: Hashable, Sendable {
    /// When it begins.
    let start: Int64
    /// When the month before it begins.
    let previousStart: Int64

    private static let millisecondsOfDay: Int64 = 86_400_000

    /// The month of the moment `milliseconds` at `secondsFromUTC`, east being positive. Moments so
    /// far from 1970 that their arithmetic would overflow are taken for the last that does not.
    init(containing milliseconds: Int64, secondsFromUTC: Int32) {
        let shift = Int64(secondsFromUTC) * 1000
        let bound = Int64.max / 4
        let local = max(-bound, min(bound, milliseconds)) + shift
        let day = Self.floor(local, Self.millisecondsOfDay)
        let first = day - Int64(Self.dayOfMonth(day)) + 1
        let previous = first - Int64(Self.dayOfMonth(first - 1))
        start = first * Self.millisecondsOfDay - shift
        previousStart = previous * Self.millisecondsOfDay - shift
    }

    /// The day of the month, from 1, of a day counted from 1970-01-01.
    ///
    /// Years are taken to begin in March, so that a leap day is the last of its year; the months
    /// from March on then have 31, 30, 31, 30, 31 days, again and again, of which 153 days are five
    /// months.
    private static func dayOfMonth(_ day: Int64) -> Int {
        let sinceMarch = day + 719_468  // from 0000-03-01
        let dayOfEra = sinceMarch - floor(sinceMarch, 146_097) * 146_097  // 400 years
        let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let year = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        return Int(dayOfYear - (153 * month + 2) / 5) + 1
    }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
