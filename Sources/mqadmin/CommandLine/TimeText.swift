// Moments as RocketMQ's tools write and read them, in local time.

import ApusFormat
import Foundation

/// Writes and reads moments, which are milliseconds since 1970.
struct TimeText: Sendable {
    private let calendar: Calendar

    init(_ zone: TimeZone = .current) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// `2026-11-26 10:00:00,123`.
    func fine(_ milliseconds: Int64) -> String {
        let rest = ((milliseconds % 1000) + 1000) % 1000
        return "\(text(milliseconds)),\(digits(Int(rest), 3))"
    }

    /// `2026-11-26 10:00:00`.
    func text(_ milliseconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: date)
        let day = [parts.month, parts.day].map { digits($0 ?? 0, 2) }.joined(separator: "-")
        let time = [parts.hour, parts.minute, parts.second].map { digits($0 ?? 0, 2) }
            .joined(separator: ":")
        return "\(digits(parts.year ?? 0, 4))-\(day) \(time)"
    }

    private func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// Reads `now`, milliseconds, or `2026-11-26#10:00:00:123`; nil for anything else.
    func milliseconds(_ text: String, now: Int64) -> Int64? {
        if text == "now" { return now }
        if let number = Int64(text) { return number }
        let parts = text.split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, let day = DigitGroups.numbers(parts[0], "-", [4, 2, 2]),
            let time = DigitGroups.numbers(parts[1], ":", [2, 2, 2, 3])
        else { return nil }
        let wanted = DateComponents(
            year: day[0], month: day[1], day: day[2], hour: time[0], minute: time[1],
            second: time[2])
        guard wanted.isValidDate(in: calendar), let date = calendar.date(from: wanted) else {
            return nil
        }
        return Int64(date.timeIntervalSince1970) * 1000 + Int64(time[3])
    }

    /// Milliseconds since 1970, now.
    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension Arguments {
    /// The value of a flag as a moment.
    func moment(_ flag: String, now: Int64) throws(UsageError) -> Int64? {
        guard let text = self[flag] else { return nil }
        guard let moment = TimeText().milliseconds(text, now: now) else {
            throw UsageError(
                "--\(flag) is milliseconds since 1970 or yyyy-MM-dd#HH:mm:ss:SSS, not \(text)")
        }
        return moment
    }
}
