// The example that the README shows is the one that a test compiles and runs.

extension Rule {
    /// The README's first block of Swift, against what stands between the marks in the test.
    static let readmeExample = Rule(name: "the README's example is the one that a test runs") {
        files in
        guard let readme = files.first(where: { $0.path == "README.md" }),
            let test = files.first(where: { $0.path == exampleTest })
        else { return [] }
        guard let shown = shownExample(readme) else {
            return [Finding("README.md", 1, "no block of Swift", advice: "Show the example")]
        }
        guard let run = runExample(test) else {
            return [
                Finding(
                    exampleTest, 1, "the marks `\(beginMark)` and `\(endMark)` are not there",
                    advice: "Put them around the example")
            ]
        }
        // The test has its imports at its top and a function around the rest.
        let expected = ["import ApusStore", ""] + run
        if shown.lines == expected { return [] }
        let differing = zip(shown.lines, expected).enumerated().first { $1.0 != $1.1 }?.offset
        return [
            Finding(
                "README.md",
                shown.firstLine + (differing ?? min(shown.lines.count, expected.count)),
                "the example differs from the one in \(exampleTest)",
                advice: "Copy the one over the other")
        ]
    }

    private static let exampleTest = "Tests/ApusStoreTests/ReadmeExampleTests.swift"
    private static let beginMark = "// README: begin"
    private static let endMark = "// README: end"

    private static func shownExample(_ file: TextFile) -> (lines: [String], firstLine: Int)? {
        guard let fence = file.lines.firstIndex(of: "```swift") else { return nil }
        let lines = file.lines[(fence + 1)...].prefix { $0 != "```" }
        return (Array(lines), fence + 2)
    }

    /// The lines between the marks, without the indentation of the marks.
    private static func runExample(_ file: TextFile) -> [String]? {
        let numbers = file.lines.indices
        guard let begin = numbers.first(where: { file.trimmedLine($0 + 1) == beginMark }),
            let end = numbers.first(where: { file.trimmedLine($0 + 1) == endMark }), begin < end
        else { return nil }
        let indentation = String(file.lines[begin].prefix { $0 == " " })
        return file.lines[(begin + 1)..<end].map { line in
            line.hasPrefix(indentation) ? String(line.dropFirst(indentation.count)) : line
        }
    }
}
