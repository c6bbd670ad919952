// Names say what a thing is. Some words of Java's say only that there is a thing.

extension Rule {
    /// Types and source files are named by the field's nouns.
    static let names = Rule(name: "names of types and files carry no empty words") {
        $0.filter { $0.isSwift }.flatMap { file in
            let tokens = file.tokens
            let types = tokens.indices.dropLast().compactMap { index -> Finding? in
                guard declarations.contains(String(tokens[index].text)),
                    tokens[index + 1].isWord,
                    let word = emptyWord(in: tokens[index + 1].text)
                else { return nil }
                return finding(file, tokens[index].line, String(tokens[index + 1].text), word)
            }
            let name = emptyWord(in: file.stem).map { finding(file, 1, String(file.stem), $0) }
            return types + (name.map { [$0] } ?? [])
        }
    }

    private static let declarations: Set = [
        "struct", "class", "enum", "protocol", "actor", "typealias", "associatedtype",
    ]

    private static let emptyWords: Set = [
        "Default", "Impl", "Abstract", "Base", "Inner", "Service", "Manager", "Helper", "Util",
    ]

    private static func finding(
        _ file: TextFile, _ line: Int, _ name: String, _ word: String
    ) -> Finding {
        Finding(
            file.path, line, "\(name) is named with `\(word)`", advice: "Say what it is or does")
    }

    /// The word of a camel-case name that is on the list, in the singular or the plural.
    private static func emptyWord(in name: Substring) -> String? {
        var words: [String] = []
        for character in name {
            if character.isUppercase || words.isEmpty {
                words.append(String(character))
            } else if character.isLetter || character.isNumber {
                words[words.count - 1].append(character)
            } else {
                words.append("")
            }
        }
        return words.first { word in
            let singular = word.hasSuffix("s") ? String(word.dropLast()) : word
            return emptyWords.contains(word) || emptyWords.contains(singular)
        }
    }
}
