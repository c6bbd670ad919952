// How long files, functions and lines may be.

extension Rule {
    /// The admired engines sit at a median near 100 lines and a 90th percentile near 400.
    static let fileLengths = Rule(name: "files are short") { files in
        let sources = files.filter { $0.target != nil && ($0.isSwift || $0.isC) }
            .sorted { $0.lineCount < $1.lineCount }
        var findings = sources.filter { $0.lineCount > 500 }.map {
            Finding(
                $0.path, 501, "\($0.lineCount) lines, where 500 is the cap",
                advice: "Find the second room in it: Type+aspect.swift")
        }
        for (share, limit) in [(50, 150), (90, 400)] where !sources.isEmpty {
            // The nearest rank: the smallest file that so many per cent are no longer than.
            let file = sources[(sources.count * share + 99) / 100 - 1]
            if file.lineCount > limit {
                findings.append(
                    Finding(
                        file.path, 1,
                        "\(share) % of the files should have at most \(limit) lines, and this one,"
                            + " at that rank, has \(file.lineCount)",
                        advice: "Divide this file or longer ones"))
            }
        }
        return findings
    }

    /// A function fits on a screen.
    static let functionLengths = Rule(name: "functions have at most 70 lines") {
        $0.flatMap { file in
            FunctionScanner.bodies(in: file).filter { $0.lines.count > 70 }.map {
                Finding(
                    file.path, $0.lines.lowerBound,
                    "\($0.name) has \($0.lines.count) lines, where 70 is the cap",
                    advice: "Give a part of it a name")
            }
        }
    }

    /// In characters. The formatter breaks code, but leaves comments and strings to the writer.
    static let lineWidths = Rule(name: "lines have at most 100 columns") {
        $0.filter { $0.isSwift || $0.isC }.flatMap { file in
            let wide = file.lines.enumerated().filter {
                $0.element.utf8.count > 100 && $0.element.count > 100
            }
            return wide.map {
                Finding(
                    file.path, $0.offset + 1, "\($0.element.count) columns, where 100 is the cap",
                    advice: "Break the line")
            }
        }
    }
}
