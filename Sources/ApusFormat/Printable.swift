// Text that others wrote, where it is shown to people: on a terminal, or in a log.

/// Text that neither drives a terminal nor makes lines of its own.
package enum Printable {
    /// The text with control characters as `\u{1b}`.
    package static func text(_ text: String) -> String {
        escaped(text, where: isControl) { "\\u{\(String($0.value, radix: 16))}" }
    }

    /// JSON with the control characters that may stand raw in its strings as `\u009b`. Line breaks
    /// and tabs, which stand between its values, stay.
    package static func json(_ text: String) -> String {
        escaped(text, where: { $0.value >= 0x7F && isControl($0) }) {
            let digits = String($0.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }

    /// Besides the control characters, those that turn the direction of the text.
    package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }

    private static func escaped(
        _ text: String, where isEscaped: (Unicode.Scalar) -> Bool,
        _ escape: (Unicode.Scalar) -> String
    ) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        var printed = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isEscaped(scalar) {
                printed.append(contentsOf: escape(scalar).unicodeScalars)
            } else {
                printed.append(scalar)
            }
        }
        return String(printed)
    }
}
