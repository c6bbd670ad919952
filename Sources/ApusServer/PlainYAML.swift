// The YAML of `plain_acl.yml` and `tools.yml`: mappings, lists and plain values in block style, as
// people and RocketMQ's own tools write them.
//
// What YAML has besides (anchors, tags, folded text, several documents) is refused with its line: a
// file that says who may do what is better refused than misread.

/// What is wrong with a YAML file.
package struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1.
    package let line: Int
    package let reason: String
    package var description: String { "line \(line): \(reason)" }
}

/// A value of a YAML file.
package struct YAML: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case null
        case text(String)
        case list([YAML])
        /// In the order of the file; no key stands twice.
        case mapping([Member])
    }
    package struct Member: Hashable, Sendable {
        package let key: String
        package let value: YAML
    }

    package let content: Content
    /// Where it begins, from 1.
    package let line: Int

    /// Reads a whole file. An empty one is null.
    package init(parsing text: String) throws(YAMLError) {
        var reader = YAMLReader(lines: try YAMLLine.lines(of: text))
        self = try reader.document()
    }

    fileprivate init(_ content: Content, line: Int) {
        self.content = content
        self.line = line
    }

    /// The value of a key; nil where it is missing or null, or this is no mapping.
    package subscript(key: String) -> YAML? {
        guard case .mapping(let members) = content,
            let value = members.last(where: { $0.key == key })?.value, value.content != .null
        else { return nil }
        return value
    }

    package var text: String? {
        if case .text(let text) = content { return text }
        return nil
    }

    package var list: [YAML]? {
        if case .list(let values) = content { return values }
        return nil
    }
}

/// A line with something on it, without its comment.
private struct YAMLLine {
    let number: Int
    /// Blanks before the text, or where the text behind a `- ` would begin.
    var indent: Int
    var text: Substring

    static func lines(of text: String) throws(YAMLError) -> [YAMLLine] {
        var lines: [YAMLLine] = []
        var number = 0
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let indent = raw.prefix { $0 == " " }.count
            let rest = withoutComment(raw.dropFirst(indent))
            if rest.isEmpty { continue }
            if rest.first == "\t" {
                throw YAMLError(line: number, reason: "a tab where blanks are to stand")
            }
            if lines.isEmpty, rest == "---" { continue }
            if rest == "---" || rest == "..." || rest.hasPrefix("%") {
                throw YAMLError(line: number, reason: "\(rest): one document is read, no more")
            }
            lines.append(YAMLLine(number: number, indent: indent, text: rest))
        }
        return lines
    }

    /// A comment begins with `#` at the beginning or behind a blank, and not within quotes.
    private static func withoutComment(_ text: Substring) -> Substring {
        var quote: Character?
        var before: Character = " "
        for place in text.indices {
            let one = text[place]
            if let open = quote {
                if one == open { quote = nil }
            } else if one == "#", before == " " || before == "\t" {
                return trimmed(text[..<place])
            } else if one == "\"" || one == "'", " \t:-,[".contains(before) {
                quote = one
            }
            before = one
        }
        return trimmed(text)
    }

    static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return text
    }

    var isItem: Bool { text == "-" || text.hasPrefix("- ") }
}

/// Goes over lines by their indent.
private struct YAMLReader {
    private var lines: [YAMLLine]
    private var place = 0

    init(lines: [YAMLLine]) { self.lines = lines }

    mutating func document() throws(YAMLError) -> YAML {
        guard let first = lines.first else { return YAML(.null, line: 1) }
        let value = try block(indent: first.indent, depth: 0)
        if place < lines.count {
            throw YAMLError(
                line: lines[place].number, reason: "\(lines[place].text) is not where it could be")
        }
        return value
    }

    private mutating func block(indent: Int, depth: Int) throws(YAMLError) -> YAML {
        let line = lines[place]
        if depth > 8 { throw YAMLError(line: line.number, reason: "more than eight levels deep") }
        if line.isItem { return try list(indent: indent, depth: depth) }
        if Self.division(of: line.text) != nil {
            return try mapping(indent: indent, depth: depth)
        }
        place += 1
        return try Self.value(line.text, line.number)
    }

    private mutating func list(indent: Int, depth: Int) throws(YAMLError) -> YAML {
        let first = lines[place].number
        var values: [YAML] = []
        while place < lines.count, lines[place].indent == indent, lines[place].isItem {
            let line = lines[place]
            let rest = YAMLLine.trimmed(line.text.dropFirst())
            if rest.isEmpty {
                place += 1
                values.append(try nested(under: indent, line.number, depth, takesItems: false))
            } else {
                // The item's own lines begin where its text does.
                lines[place].indent = indent + line.text.count - rest.count
                lines[place].text = rest
                values.append(try block(indent: lines[place].indent, depth: depth + 1))
            }
        }
        return YAML(.list(values), line: first)
    }

    private mutating func mapping(indent: Int, depth: Int) throws(YAMLError) -> YAML {
        let first = lines[place].number
        var members: [YAML.Member] = []
        while place < lines.count, lines[place].indent == indent, !lines[place].isItem {
            let line = lines[place]
            guard let (name, rest) = Self.division(of: line.text) else {
                throw YAMLError(line: line.number, reason: "\(line.text) is no `key: value`")
            }
            guard let key = try Self.value(name, line.number).text else {
                throw YAMLError(line: line.number, reason: "\(name) is no key")
            }
            if members.contains(where: { $0.key == key }) {
                throw YAMLError(line: line.number, reason: "\(key) stands twice")
            }
            place += 1
            let value =
                rest.isEmpty
                ? try nested(under: indent, line.number, depth, takesItems: true)
                : try Self.value(rest, line.number)
            members.append(YAML.Member(key: key, value: value))
        }
        return YAML(.mapping(members), line: first)
    }

    /// What stands deeper behind a line that ends with its key or `-`; items of a key's list may
    /// stand as far out as the key.
    private mutating func nested(
        under indent: Int, _ line: Int, _ depth: Int, takesItems: Bool
    ) throws(YAMLError) -> YAML {
        guard place < lines.count,
            lines[place].indent > indent
                || takesItems && lines[place].indent == indent && lines[place].isItem
        else { return YAML(.null, line: line) }
        return try block(indent: lines[place].indent, depth: depth + 1)
    }

    /// `key: value` or `key:`; nil for text without such a colon.
    private static func division(of text: Substring) -> (key: Substring, rest: Substring)? {
        var quote: Character?
        for place in text.indices {
            let one = text[place]
            if let open = quote {
                if one == open { quote = nil }
                continue
            }
            if place == text.startIndex, one == "\"" || one == "'" { quote = one }
            guard one == ":" else { continue }
            let behind = text[text.index(after: place)...]
            if behind.isEmpty || behind.first == " " {
                return (YAMLLine.trimmed(text[..<place]), YAMLLine.trimmed(behind))
            }
        }
        return nil
    }

    private static func value(_ text: Substring, _ line: Int) throws(YAMLError) -> YAML {
        switch text.first {
        case "\"", "'": return YAML(.text(try unquoted(text, line)), line: line)
        case "[": return YAML(.list(try items(text, line)), line: line)
        case "{" where text == "{}": return YAML(.mapping([]), line: line)
        case "{", "&", "*", "!", "|", ">", "@", "`", "?":
            throw YAMLError(
                line: line,
                reason: "\(text) is YAML that is not read here: put plain text in quotes")
        default: break
        }
        if text.isEmpty || text == "~" || text == "null" { return YAML(.null, line: line) }
        return YAML(.text(String(text)), line: line)
    }

    /// `[one, two]`, of values without commas.
    private static func items(_ text: Substring, _ line: Int) throws(YAMLError) -> [YAML] {
        guard text.last == "]" else {
            throw YAMLError(line: line, reason: "\(text) has no end on its line")
        }
        let inside = YAMLLine.trimmed(text.dropFirst().dropLast())
        if inside.isEmpty { return [] }
        var values: [YAML] = []
        for item in inside.split(separator: ",", omittingEmptySubsequences: false) {
            values.append(try value(YAMLLine.trimmed(item), line))
        }
        return values
    }

    private static func unquoted(_ text: Substring, _ line: Int) throws(YAMLError) -> String {
        let quote = text.first
        var result = ""
        var rest = text.dropFirst()
        while let one = rest.popFirst() {
            if one == quote {
                if quote == "'", rest.first == "'" {
                    rest.removeFirst()
                } else if rest.isEmpty {
                    return result
                } else {
                    throw YAMLError(line: line, reason: "\(rest) behind a text in quotes")
                }
            } else if quote == "\"", one == "\\" {
                guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
                    throw YAMLError(
                        line: line, reason: "of escapes, only \\\" and \\\\ are read here")
                }
                result.append(escaped)
                continue
            }
            result.append(one)
        }
        throw YAMLError(line: line, reason: "a text in quotes has no end on its line")
    }
}
