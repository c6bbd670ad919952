// Promises that the compiler takes on trust carry their reason.

extension Rule {
    /// `@unchecked Sendable` and `nonisolated(unsafe)` say why they hold: on the line above or, for
    /// a type, on the first line inside.
    static let reasonsForExceptions = Rule(name: "unchecked concurrency says why it is safe") {
        $0.flatMap { file in
            let tokens = file.tokens
            return tokens.indices.compactMap { index -> Finding? in
                guard let promise = promise(in: tokens[index...]), !hasReason(file, tokens[index])
                else { return nil }
                return Finding(
                    file.path, tokens[index].line, "\(promise) without a reason",
                    advice: "Say in a // comment on the line above why this is safe")
            }
        }
    }

    private static func promise(in tokens: ArraySlice<Token>) -> String? {
        let next = tokens.prefix(4).map { String($0.text) }
        if next.starts(with: ["unchecked", "Sendable"]) { return "@unchecked Sendable" }
        if next == ["nonisolated", "(", "unsafe", ")"] { return "nonisolated(unsafe)" }
        return nil
    }

    /// A documentation comment says what a thing is, so it is no reason.
    private static func hasReason(_ file: TextFile, _ token: Token) -> Bool {
        let opensBody = file.trimmedLine(token.line).hasSuffix("{")
        let places = opensBody ? [token.line - 1, token.line + 1] : [token.line - 1]
        return places.contains { number in
            let line = file.trimmedLine(number)
            return line.hasPrefix("// ") && !line.hasPrefix("// swift-format")
        }
    }
}
