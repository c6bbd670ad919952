// Finds where functions begin and end, from tokens alone.

/// A function, initialiser, subscript or computed variable with a body.
struct FunctionBody {
    let name: String
    /// From the line of its keyword to the line of its closing brace.
    let lines: ClosedRange<Int>
}

enum FunctionScanner {
    /// Every body in the file, nested ones included.
    static func bodies(in file: TextFile) -> [FunctionBody] {
        file.isC ? bodiesInC(file) : bodiesInSwift(file.tokens)
    }

    private static func bodiesInSwift(_ tokens: [Token]) -> [FunctionBody] {
        tokens.indices.compactMap { index in
            guard let name = declaredName(tokens, at: index),
                let open = openingBrace(tokens, after: index),
                let close = closingBrace(tokens, of: open)
            else { return nil }
            return FunctionBody(name: name, lines: tokens[index].line...tokens[close].line)
        }
    }

    /// The name of what is declared at `index`, when it may have a body that runs.
    private static func declaredName(_ tokens: [Token], at index: Int) -> String? {
        // `.init`, `self.init` and a `default:` label are uses.
        if index > 0, tokens[index - 1].text == "." { return nil }
        switch tokens[index].text {
        case "func", "var": return index + 1 < tokens.count ? String(tokens[index + 1].text) : nil
        case "init", "deinit", "subscript": return String(tokens[index].text)
        default: return nil
        }
    }

    /// The brace that opens the body; nil for a requirement of a protocol or a stored variable.
    private static func openingBrace(_ tokens: [Token], after index: Int) -> Int? {
        let isVariable = tokens[index].text == "var"
        var depth = 0
        for next in (index + 1)..<max(tokens.count, index + 1) {
            switch tokens[next].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return next
            case "}" where depth == 0: return nil
            case "=" where depth == 0 && isVariable: return nil
            case "func", "var", "let", "init", "subscript", "static", "case", "public", "package",
                "private", "mutating", "associatedtype", "typealias", "struct", "enum":
                if depth == 0, !isPartOfSignature(tokens, at: next) { return nil }
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    /// An operator is named by marks, and `func` may be followed by a keyword in backticks.
    private static func isPartOfSignature(_ tokens: [Token], at index: Int) -> Bool {
        tokens[index - 1].text == "`" || tokens[index - 1].text == "func"
    }

    private static func closingBrace(_ tokens: [Token], of open: Int) -> Int? {
        var depth = 0
        for index in open..<tokens.count {
            if tokens[index].text == "{" { depth += 1 }
            if tokens[index].text == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    /// In C a body opens at the end of a line that is not indented, and closes in column 1.
    private static func bodiesInC(_ file: TextFile) -> [FunctionBody] {
        var found: [FunctionBody] = []
        var start: Int?
        for (index, line) in file.lines.enumerated() {
            if let first = line.first, !first.isWhitespace, line.hasSuffix("{"), line != "{" {
                start = line.contains(")") ? index + 1 : nil
            } else if line == "{" {
                start = index
            } else if line.hasPrefix("}"), let begin = start {
                found.append(
                    FunctionBody(name: file.lines[begin - 1], lines: begin...(index + 1)))
                start = nil
            }
        }
        return found
    }
}
