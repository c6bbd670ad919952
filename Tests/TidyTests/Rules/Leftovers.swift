// What does not belong in a committed file, and what each source begins with.

extension Rule {
    /// A source says at its top what it is. A file of a few lines says it itself.
    static let headComments = Rule(name: "each source begins with a comment that says what it is") {
        $0.compactMap { file in
            guard file.isSwift, file.lineCount >= 10, !hasHead(file) else { return nil }
            return Finding(
                file.path, 1, "no head comment",
                advice: "Begin with what the file is, its invariant, and who writes it")
        }
    }

    private static func hasHead(_ file: TextFile) -> Bool {
        // SwiftPM wants the first line of a manifest to itself.
        guard file.trimmedLine(1).hasPrefix("// swift-tools-version") else {
            return file.trimmedLine(1).hasPrefix("// ")
        }
        return file.lines.dropFirst().contains { $0.hasPrefix("// ") }
    }

    /// What is left to do stands in issues.
    static let nothingLeftToDo = Rule(name: "no notes of things left to do") {
        $0.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                guard let word = words(of: line).first(where: { notes.contains(String($0)) }) else {
                    return nil
                }
                return Finding(
                    file.path, index + 1, "a note of something left to do (\(word))",
                    advice: "Do it, or open an issue")
            }
        }
    }

    /// Paths of the machine that something was written on mean nothing elsewhere.
    static let noWorkplacePaths = Rule(name: "no path of anyone's workplace") {
        $0.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                guard let path = workplaces.first(where: { isNamed($0, in: line) }) else {
                    return nil
                }
                return Finding(
                    file.path, index + 1, "a path of somebody's workplace (\(path))",
                    advice: "Say it by a path of this tree, or not at all")
            }
        }
    }

    // In pieces, so that this file keeps its own rules.
    private static let notes = ["FIX" + "ME", "TO" + "DO", "XX" + "X"]
    private static let workplaces = ["/wo" + "rk", "/tmp" + "/h"]

    /// Whether `path` stands in `line` as a whole: not the middle of a longer path or name.
    private static func isNamed(_ path: String, in line: String) -> Bool {
        line.ranges(of: path).contains { range in
            let before = line[..<range.lowerBound].last
            let after = line[range.upperBound...].first
            let begins =
                before.map { !$0.isLetter && !$0.isNumber && !"._-/}".contains($0) } ?? true
            let ends = after.map { !$0.isLetter && !$0.isNumber && !"._-".contains($0) } ?? true
            return begins && ends
        }
    }

    private static func words(of line: String) -> [Substring] {
        line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
    }
}
