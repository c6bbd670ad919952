// Writing JSON: objects on one line, keys in the order in which they are given.

import ApusFormat

/// A value of JSON, written out.
enum JSONText {
    /// A string with its quotes. Control characters are escaped, other characters stand as they
    /// are.
    static func string(_ text: String) -> String {
        var written = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": written += "\\\""
            case "\\": written += "\\\\"
            case "\n": written += "\\n"
            case "\r": written += "\\r"
            case "\t": written += "\\t"
            case "\u{2028}", "\u{2029}",
                _ where Printable.isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                written += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: written.unicodeScalars.append(scalar)
            }
        }
        return written + "\""
    }

    static func string(_ text: String?) -> String { text.map { string($0) } ?? "null" }

    static func number(_ value: (some BinaryInteger)?) -> String {
        value.map { String($0) } ?? "null"
    }

    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(string($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    static func array(_ values: [String]) -> String { "[" + values.joined(separator: ",") + "]" }
}
