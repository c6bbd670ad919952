// One text file of the tree, as the rules see it.

/// A word of Swift, or a single character that is none.
struct Token {
    let text: Substring
    /// From 1.
    let line: Int

    var isWord: Bool { text.utf8.first.map(Self.isWordByte) ?? false }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}

/// A file with its path from the root of the tree.
struct TextFile: Sendable {
    let path: String
    let lines: [String]
    /// The text of a Swift file with comments and strings blanked; lines keep their numbers.
    let code: String

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = path.hasSuffix(".swift") ? CodeScanner.code(of: text) : ""
    }

    /// Lines as an editor counts them: a newline at the end of the file begins none.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
    var isMarkdown: Bool { path.hasSuffix(".md") }

    /// The directories above the file, from the root.
    var folders: [Substring] { Array(path.split(separator: "/").dropLast()) }

    /// The last part of the path without its extension.
    var stem: Substring {
        let name = path.split(separator: "/").last ?? ""
        return name.split(separator: ".", omittingEmptySubsequences: false).first ?? ""
    }

    /// The target whose source this is: the folder below Sources or Benchmarks.
    var target: String? {
        guard folders.count >= 2, ["Sources", "Benchmarks"].contains(folders[0]) else { return nil }
        return String(folders[1])
    }

    /// Line `number`, counted from 1, without the blanks around it; empty beyond the ends.
    func trimmedLine(_ number: Int) -> Substring {
        guard lines.indices.contains(number - 1) else { return "" }
        var line = lines[number - 1][...]
        while line.last?.isWhitespace == true { line.removeLast() }
        return line.drop { $0.isWhitespace }
    }

    /// The words and marks of the code, blanks left out. Empty unless the file is Swift.
    var tokens: [Token] {
        var found: [Token] = []
        var line = 1
        let bytes = code.utf8
        var at = bytes.startIndex
        while at < bytes.endIndex {
            var end = bytes.index(after: at)
            if bytes[at] == UInt8(ascii: "\n") {
                line += 1
            } else if Token.isWordByte(bytes[at]) {
                while end < bytes.endIndex, Token.isWordByte(bytes[end]) {
                    end = bytes.index(after: end)
                }
                found.append(Token(text: code[at..<end], line: line))
            } else if bytes[at] != UInt8(ascii: " "), bytes[at] != UInt8(ascii: "\t") {
                found.append(Token(text: code[at..<end], line: line))
            }
            at = end
        }
        return found
    }
}
