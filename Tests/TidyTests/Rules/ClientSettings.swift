// Each setting of the client is in the guide's table for it, and the tables hold nothing else.

extension Rule {
    /// The public variables of each configuration against the rows below its heading.
    static let clientSettings = Rule(name: "each setting of the client is documented") { files in
        guard let guide = files.first(where: { $0.path == guidePath }) else { return [] }
        return tables.flatMap { path, heading -> [Finding] in
            guard let source = files.first(where: { $0.path == path }) else { return [] }
            let declared = variables(in: source)
            let rows = rows(below: heading, in: guide)
            let missing = declared.filter { rows[$0.name] == nil }.map {
                Finding(
                    path, $0.line, "`\($0.name)` has no row in \(guidePath)",
                    advice: "Add one below \(heading)")
            }
            let names = Set(declared.map(\.name))
            let stale = rows.filter { !names.contains($0.key) }.sorted { $0.value < $1.value }
            return missing
                + stale.map {
                    Finding(
                        guidePath, $0.value, "`\($0.key)` is no setting of \(path)",
                        advice: "Remove the row or mend its name")
                }
        }
    }

    private static let guidePath = "docs/client.md"
    private static let tables = [
        ("Sources/ApusClient/ClientConfiguration.swift", "Settings of both"),
        ("Sources/ApusClient/Producer/ProducerConfiguration.swift", "Settings of a producer"),
        ("Sources/ApusClient/Consumer/ConsumerConfiguration.swift", "Settings of a consumer"),
    ]

    private static func variables(in file: TextFile) -> [(name: String, line: Int)] {
        let tokens = file.tokens
        return tokens.indices.dropLast(2).compactMap { index in
            guard tokens[index].text == "public", tokens[index + 1].text == "var" else {
                return nil
            }
            return (String(tokens[index + 2].text), tokens[index].line)
        }
    }

    /// The rows between a heading and the next one whose first cell is a name in backticks.
    private static func rows(below heading: String, in file: TextFile) -> [String: Int] {
        let headings = Markdown(file).headings
        guard let place = headings.firstIndex(where: { $0.text == heading }) else { return [:] }
        let end =
            place + 1 < headings.count ? headings[place + 1].line : file.lines.count + 1
        var rows: [String: Int] = [:]
        for number in headings[place].line..<end {
            let line = file.trimmedLine(number)
            guard line.hasPrefix("| `"), let name = line.dropFirst(3).split(separator: "`").first
            else { continue }
            rows[String(name)] = number
        }
        return rows
    }
}
