// Dates and times as people type them: groups of digits.

package enum DigitGroups {
    /// Numbers of so many digits each, with `separator` between them; nil for anything else.
    package static func numbers(
        _ text: Substring, _ separator: Character, _ widths: [Int]
    ) -> [Int]? {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.map(\.count) == widths else { return nil }
        let numbers = parts.compactMap { part in
            part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil
        }
        return numbers.count == widths.count ? numbers : nil
    }
}
