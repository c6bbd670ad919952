// Java's properties files: `key = value` lines with comments, escapes and continuation lines.
//
// As `java.util.Properties` reads them, but in UTF-8, where Java takes each byte for a character.

/// What is wrong with a properties file.
package struct JavaPropertiesError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1.
    package let line: Int
    package let reason: String
    package var description: String { "line \(line): \(reason)" }
}

/// The settings of a file, in their order; a key may stand twice.
package struct JavaProperties: Sendable {
    /// One setting.
    package struct Entry: Hashable, Sendable {
        package let key: String
        package let value: String
        /// The line that it begins on, from 1.
        package let line: Int
    }

    package private(set) var entries: [Entry] = []

    package init(parsing bytes: [UInt8]) throws(JavaPropertiesError) {
        var reader = LogicalLines(bytes)
        while let (text, line) = reader.next() {
            let (key, value) = try Self.divide(text, line)
            entries.append(
                Entry(
                    key: try Self.text(key, line), value: try Self.text(value, line), line: line))
        }
    }

    package init(parsing text: String) throws(JavaPropertiesError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// The key ends at the first `=`, `:` or blank that no backslash stands before; blanks around
    /// one such sign are left out.
    private static func divide(
        _ text: [UInt8], _ line: Int
    ) throws(JavaPropertiesError) -> (key: [UInt8], value: [UInt8]) {
        var key: [UInt8] = []
        var position = 0
        while position < text.count, !isBlank(text[position]),
            text[position] != UInt8(ascii: "="), text[position] != UInt8(ascii: ":")
        {
            try unescape(text, &position, into: &key, line)
        }
        func skipBlanks() { while position < text.count, isBlank(text[position]) { position += 1 } }
        skipBlanks()
        if position < text.count,
            text[position] == UInt8(ascii: "=") || text[position] == UInt8(ascii: ":")
        {
            position += 1
            skipBlanks()
        }
        var value: [UInt8] = []
        while position < text.count { try unescape(text, &position, into: &value, line) }
        return (key, value)
    }

    /// Takes one character, or an escape that stands for one.
    private static func unescape(
        _ text: [UInt8], _ position: inout Int, into out: inout [UInt8], _ line: Int
    ) throws(JavaPropertiesError) {
        guard text[position] == UInt8(ascii: "\\"), position + 1 < text.count else {
            if text[position] != UInt8(ascii: "\\") { out.append(text[position]) }
            position += 1
            return
        }
        let escaped = text[position + 1]
        position += 2
        switch escaped {
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "u"):
            let high = try codeUnit(text, &position, line)
            var units = [high]
            // The two halves of a character beyond U+FFFF.
            if UTF16.isLeadSurrogate(high), position + 1 < text.count,
                text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                units.append(try codeUnit(text, &position, line))
            }
            out += Array(String(decoding: units, as: UTF16.self).utf8)
        default: out.append(escaped)
        }
    }

    private static func codeUnit(
        _ text: [UInt8], _ position: inout Int, _ line: Int
    ) throws(JavaPropertiesError) -> UInt16 {
        let digits = text[position..<min(position + 4, text.count)]
        let isHexadecimal = digits.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
            default: false
            }
        }
        guard digits.count == 4, isHexadecimal,
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            throw JavaPropertiesError(
                line: line, reason: "\\u stands before no four hexadecimal digits")
        }
        position += 4
        return unit
    }

    private static func text(_ bytes: [UInt8], _ line: Int) throws(JavaPropertiesError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JavaPropertiesError(line: line, reason: "the line is not UTF-8")
        }
        return text
    }

    fileprivate static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0C
    }
}

/// Lines as Java counts them: without comments and empty lines, those that end in an odd number of
/// backslashes put together with the next.
private struct LogicalLines {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> (text: [UInt8], line: Int)? {
        while var text = natural() {
            let first = line
            if text.isEmpty || text[0] == UInt8(ascii: "#") || text[0] == UInt8(ascii: "!") {
                continue
            }
            while Self.continues(text) {
                text.removeLast()
                guard let more = natural() else { break }
                text += more
            }
            return (text, first)
        }
        return nil
    }

    /// One line of the file, without the blanks that it begins with.
    private mutating func natural() -> [UInt8]? {
        guard position < bytes.count else { return nil }
        line += 1
        let end = bytes[position...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.endIndex
        let text = bytes[position..<end].drop(while: JavaProperties.isBlank)
        position = end + 1
        if end < bytes.count, bytes[end] == 0x0D, position < bytes.count, bytes[position] == 0x0A {
            position += 1
        }
        return Array(text)
    }

    private static func continues(_ text: [UInt8]) -> Bool {
        text.reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 1
    }
}
