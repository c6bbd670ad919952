// The name of an IndexFile: the local time of its creation, `yyyyMMddHHmmssSSS`.

/// Names of IndexFiles, which sort by age as text and as numbers.
public enum IndexFileName: Sendable {
    /// Digits of a name.
    @inlinable public static var digitCount: Int { 17 }

    /// Whether `name` is 17 decimal digits. That they make a date is not checked, nor does
    /// RocketMQ.
    public static func isValid(_ name: String) -> Bool { number(name) != nil }

    /// The name for a local time. The parts must be those of a calendar, in the years 0 to 9999.
    public static func name(
        year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int
    ) -> String {
        let date = (year * 100 + month) * 100 + day
        let time = ((hour * 100 + minute) * 100 + second) * 1000 + millisecond
        return padded(Int64(date) * 1_000_000_000 + Int64(time))
    }

    /// The name whose number is `number`; nil when that has no 17 digits.
    public static func name(number: Int64) -> String? {
        guard number >= 0, number <= 99_999_999_999_999_999 else { return nil }
        return padded(number)
    }

    /// The name as one decimal number; nil for names that are not valid.
    public static func number(_ name: String) -> Int64? {
        guard name.utf8.count == digitCount else { return nil }
        var value: Int64 = 0
        for byte in name.utf8 {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static func padded(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, digitCount - digits.utf8.count)) + digits
    }
}
