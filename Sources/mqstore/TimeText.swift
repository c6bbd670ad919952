// Times as people write them: milliseconds since 1970, or a date.

import ApusFormat
import Foundation

/// Reading and writing moments.
enum TimeText {
    /// `2026-11-25T10:00:00.123Z`; the bare number for times before year 1 or past year 9999.
    static func text(_ milliseconds: Int64) -> String {
        guard milliseconds >= -62_135_596_800_000, milliseconds < 253_402_300_800_000 else {
            return "\(milliseconds)"
        }
        let millisecond = Int(((milliseconds % 1000) + 1000) % 1000)
        let seconds = (milliseconds - Int64(millisecond)) / 1000
        let secondOfDay = Int(((seconds % 86_400) + 86_400) % 86_400)
        let (year, month, day) = date(day: Int((seconds - Int64(secondOfDay)) / 86_400))
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day, secondOfDay / 3600,
            secondOfDay / 60 % 60, secondOfDay % 60, millisecond)
    }

    /// Reads milliseconds since 1970, or `2026-11-25`, `2026-11-25T10:00`, `2026-11-25T10:00:00`,
    /// `2026-11-25T10:00:00.500`, each with `Z` for UTC or without for the local time; nil for
    /// anything else.
    static func milliseconds(_ text: String) -> Int64? {
        if !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) { return Int64(text) }
        let isUTC = text.hasSuffix("Z")
        let parts = (isUTC ? text.dropLast() : text[...]).split(
            separator: "T", omittingEmptySubsequences: false)
        guard parts.count <= 2, let date = DigitGroups.numbers(parts[0], "-", [4, 2, 2]),
            (1...12).contains(date[1]), (1...31).contains(date[2]), date[0] >= 1
        else { return nil }
        var milliseconds = day(year: date[0], month: date[1], day: date[2]) * 86_400_000
        if parts.count == 2 {
            guard let time = time(parts[1]) else { return nil }
            milliseconds += time
        }
        if isUTC { return Int64(milliseconds) }
        // The offset of the local time at that moment, found in two steps because it may change.
        let zone = TimeZone.current
        var moment = milliseconds
        for _ in 0..<2 {
            let date = Date(timeIntervalSince1970: Double(moment) / 1000)
            moment = milliseconds - zone.secondsFromGMT(for: date) * 1000
        }
        return Int64(moment)
    }

    private static func time(_ text: Substring) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2,
            let clock = DigitGroups.numbers(parts[0], ":", [2, 2, 2])
                ?? DigitGroups.numbers(parts[0], ":", [2, 2]),
            clock[0] < 24, clock[1] < 60, clock.count == 2 || clock[2] < 61
        else { return nil }
        var milliseconds = (clock[0] * 60 + clock[1]) * 60_000
        if clock.count == 3 { milliseconds += clock[2] * 1000 }
        if parts.count == 2 {
            guard let fraction = DigitGroups.numbers(parts[1], ".", [3]), clock.count == 3 else {
                return nil
            }
            milliseconds += fraction[0]
        }
        return milliseconds
    }

    /// Days since 1970-01-01. Years are taken to begin in March, so that the leap day is the last.
    private static func day(year: Int, month: Int, day: Int) -> Int {
        let years = month > 2 ? year : year - 1
        let months = (month + 9) % 12
        return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day
            - 719_469
    }

    private static func date(day: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + day / 366
        while self.day(year: year + 1, month: 1, day: 1) <= day { year += 1 }
        while self.day(year: year, month: 1, day: 1) > day { year -= 1 }
        var month = 1
        while month < 12, self.day(year: year, month: month + 1, day: 1) <= day { month += 1 }
        return (year, month, day - self.day(year: year, month: month, day: 1) + 1)
    }
}
