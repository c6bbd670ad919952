// Columns as RocketMQ's tools print them: each at least as wide as theirs, so that both can be read
// side by side. Nothing is cut off; RocketMQ cuts names.

extension String {
    /// With blanks behind it, up to a width.
    func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// With blanks before it, up to a width.
    func padded(before width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}

/// One column.
struct Column: Sendable {
    let heading: String
    let width: Int
    let isRight: Bool
    /// Blanks between it and the next one.
    let gap: Int

    /// A column whose cells begin at its left edge.
    static func left(_ heading: String, _ width: Int, gap: Int = 2) -> Column {
        Column(heading: heading, width: width, isRight: false, gap: gap)
    }

    /// A column whose cells end at its right edge.
    static func right(_ heading: String, _ width: Int, gap: Int = 2) -> Column {
        Column(heading: heading, width: width, isRight: true, gap: gap)
    }
}

/// A table's columns, and lines in them.
struct TextTable: Sendable {
    let columns: [Column]

    init(_ columns: Column...) { self.columns = columns }

    var heading: String { line(columns.map(\.heading)) }

    /// One line, without blanks at its end.
    func line(_ cells: [String]) -> String {
        var text = ""
        for (column, cell) in zip(columns, cells) {
            text += column.isRight ? cell.padded(before: column.width) : cell.padded(column.width)
            text += String(repeating: " ", count: column.gap)
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}

extension Double {
    /// With so many digits behind the point.
    func text(_ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (magnitude * scale).rounded()
        guard scaled < 9e15 else { return "\(self)" }
        let number = Int64(scaled)
        let sign = self < 0 && number > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(number)" }
        let text = String(number)
        let whole = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return "\(sign)\(whole.dropLast(digits)).\(whole.suffix(digits))"
    }
}
