// The syntax of java.util.Properties: `key=value`, `key: value`, `key value`, comments behind `#`
// or `!`, escapes, and lines that go on behind a backslash.

/// A text that is none.
struct JavaPropertiesError: Error, Hashable, CustomStringConvertible {
    let line: Int
    let reason: String

    var description: String { "line \(line): \(reason)" }
}

/// Reads properties. As Java does with a reader, in UTF-8; escapes like `\u00e4` are read too.
enum JavaProperties {
    struct Entry: Hashable {
        let key: String
        let value: String
        /// Where it begins, from 1 on.
        let line: Int
    }

    /// Every entry, in the order of the text, those whose key stands twice included.
    static func parse(_ text: [UInt8]) throws(JavaPropertiesError) -> [Entry] {
        var entries: [Entry] = []
        for (line, content) in logicalLines(text) {
            var scanner = Scanner(rest: content[...], line: line)
            let key = try scanner.text { isBlank($0) || $0 == separators.0 || $0 == separators.1 }
            scanner.skipSeparator()
            entries.append(Entry(key: key, value: try scanner.text { _ in false }, line: line))
        }
        return entries
    }

    private static let separators = (UInt8(ascii: "="), UInt8(ascii: ":"))
    private static let backslash = UInt8(ascii: "\\")

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0C
    }

    /// Lines without their leading blanks, joined where they go on; no comments, no empty ones.
    private static func logicalLines(_ text: [UInt8]) -> [(line: Int, content: [UInt8])] {
        var lines: [(line: Int, content: [UInt8])] = []
        var joined: (line: Int, content: [UInt8])?
        for (index, natural) in naturalLines(text).enumerated() {
            var content = Array(natural.drop(while: isBlank))
            if joined == nil,
                content.isEmpty || content[0] == UInt8(ascii: "#")
                    || content[0] == UInt8(ascii: "!")
            {
                continue
            }
            let backslashes = content.reversed().prefix { $0 == backslash }.count
            let goesOn = backslashes % 2 == 1
            if goesOn { content.removeLast() }
            let line = joined?.line ?? index + 1
            joined = (line, (joined?.content ?? []) + content)
            if !goesOn, let whole = joined {
                lines.append(whole)
                joined = nil
            }
        }
        if let joined { lines.append(joined) }
        return lines
    }

    /// Ended by `\n`, `\r` or both.
    private static func naturalLines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        var position = 0
        while position < text.count {
            if text[position] == 0x0A || text[position] == 0x0D {
                lines.append(text[start..<position])
                if text[position] == 0x0D, position + 1 < text.count, text[position + 1] == 0x0A {
                    position += 1
                }
                start = position + 1
            }
            position += 1
        }
        lines.append(text[start...])
        return lines
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>
        let line: Int

        /// Up to an end that is not escaped, with escapes resolved.
        mutating func text(
            until isEnd: (UInt8) -> Bool
        ) throws(JavaPropertiesError) -> String {
            var bytes: [UInt8] = []
            while let byte = rest.first, !isEnd(byte) {
                rest.removeFirst()
                guard byte == JavaProperties.backslash else {
                    bytes.append(byte)
                    continue
                }
                guard let escaped = rest.popFirst() else { break }
                switch escaped {
                case UInt8(ascii: "t"): bytes.append(0x09)
                case UInt8(ascii: "n"): bytes.append(0x0A)
                case UInt8(ascii: "r"): bytes.append(0x0D)
                case UInt8(ascii: "f"): bytes.append(0x0C)
                case UInt8(ascii: "u"): bytes.append(contentsOf: try scalar().utf8)
                default: bytes.append(escaped)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// The four digits behind `\u`, and those of a second half where they are a first one.
        private mutating func scalar() throws(JavaPropertiesError) -> String {
            var units = [try unit()]
            if UTF16.isLeadSurrogate(units[0]), rest.starts(with: Array("\\u".utf8)) {
                rest.removeFirst(2)
                units.append(try unit())
            }
            return String(decoding: units, as: UTF16.self)
        }

        private mutating func unit() throws(JavaPropertiesError) -> UInt16 {
            let digits = rest.prefix(4)
            rest = rest.dropFirst(4)
            guard digits.count == 4, digits.first != UInt8(ascii: "+"),
                let value = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
            else {
                throw JavaPropertiesError(
                    line: line, reason: "\\u is followed by four hexadecimal digits")
            }
            return value
        }

        /// Blanks, at most one `=` or `:`, blanks.
        mutating func skipSeparator() {
            rest = rest.drop(while: JavaProperties.isBlank)
            if let first = rest.first, first == separators.0 || first == separators.1 {
                rest.removeFirst()
                rest = rest.drop(while: JavaProperties.isBlank)
            }
        }
    }
}
