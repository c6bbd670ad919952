// Tells code from comments and string literals, without parsing Swift.
//
// Regular expression literals are read as code: one with a quotation mark in it is taken for the
// start of a string up to the end of its line.

/// Walks over a source text and blanks what is not code.
struct CodeScanner {
    private let input: [UInt8]
    private var output: [UInt8]
    private var at = 0

    /// `text` with every byte of comments and of strings a blank. Newlines stay, and so does the
    /// code in an interpolation.
    static func code(of text: String) -> String {
        var scanner = CodeScanner(Array(text.utf8))
        scanner.scanCode(inInterpolation: false)
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private init(_ bytes: [UInt8]) {
        input = bytes
        output = bytes
    }

    private mutating func scanCode(inInterpolation: Bool) {
        var depth = 0
        while at < input.count {
            if isHere("//") {
                while at < input.count, input[at] != UInt8(ascii: "\n") { blank(1) }
            } else if isHere("/*") {
                scanBlockComment()
            } else if let hashes = hashesOfString() {
                scanString(hashes: hashes)
            } else {
                if inInterpolation, input[at] == UInt8(ascii: "(") { depth += 1 }
                if inInterpolation, input[at] == UInt8(ascii: ")") {
                    depth -= 1
                    if depth < 0 { return blank(1) }
                }
                at += 1
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if isHere("/*") {
                depth += 1
                blank(2)
            } else if isHere("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && at < input.count
    }

    /// The number of `#` before the quotation mark when a string literal begins here.
    private func hashesOfString() -> Int? {
        var end = at
        while end < input.count, input[end] == UInt8(ascii: "#") { end += 1 }
        return end < input.count && input[end] == UInt8(ascii: "\"") ? end - at : nil
    }

    private mutating func scanString(hashes: Int) {
        let pounds = String(repeating: "#", count: hashes)
        let isMultiline = isHere(pounds + "\"\"\"")
        let end = (isMultiline ? "\"\"\"" : "\"") + pounds
        blank(end.utf8.count)
        while at < input.count {
            if isHere(end) { return blank(end.utf8.count) }
            if !isMultiline, input[at] == UInt8(ascii: "\n") { return }
            if isHere("\\" + pounds + "(") {
                blank(hashes + 2)
                scanCode(inInterpolation: true)
            } else if isHere("\\" + pounds) {
                blank(hashes + 2)
            } else {
                blank(1)
            }
        }
    }

    private func isHere(_ text: String) -> Bool {
        var place = at
        for byte in text.utf8 {
            guard place < input.count, input[place] == byte else { return false }
            place += 1
        }
        return true
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where at < input.count {
            if input[at] != UInt8(ascii: "\n") { output[at] = UInt8(ascii: " ") }
            at += 1
        }
    }
}
