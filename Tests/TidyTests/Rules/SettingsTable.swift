// Each setting of the store is in the table of settings, and the table holds nothing else.

extension Rule {
    /// The public variables in the settings' source against the first column of the document.
    static let settingsTable = Rule(name: "each setting of the store is documented") { files in
        guard let source = files.first(where: { $0.path == settingsSource }) else { return [] }
        let declared = settings(in: source)
        guard let document = files.first(where: { $0.path == settingsDocument }) else {
            return [
                Finding(
                    settingsSource, 1, "there is no \(settingsDocument)",
                    advice: "Write a table with a row for each setting")
            ]
        }
        let rows = rows(of: document)
        let missing = declared.filter { rows[$0.name] == nil }.map {
            Finding(
                settingsSource, $0.line, "`\($0.name)` has no row in \(settingsDocument)",
                advice: "Add one: setting, RocketMQ's key, default, meaning")
        }
        let names = Set(declared.map(\.name))
        let stale = rows.filter { !names.contains($0.key) }.sorted { $0.value < $1.value }.map {
            Finding(
                settingsDocument, $0.value, "`\($0.key)` is no setting",
                advice: "Remove the row or mend its name")
        }
        return missing + stale
    }

    private static let settingsSource = "Sources/ApusStore/StoreConfiguration.swift"
    private static let settingsDocument = "docs/settings.md"

    /// What is set through `configuration.group.name` or `configuration.name`.
    private static func settings(in file: TextFile) -> [(name: String, line: Int)] {
        let tokens = file.tokens
        var found: [(type: String, name: String, kind: String, line: Int)] = []
        var type = ""
        for index in tokens.indices.dropLast(4) where tokens[index].text == "public" {
            let word = tokens[index + 1].text
            if word == "struct" { type = String(tokens[index + 2].text) }
            guard word == "var" else { continue }
            // `name = Group()` or `name: Group?`.
            found.append(
                (
                    type, String(tokens[index + 2].text), String(tokens[index + 4].text),
                    tokens[index].line
                ))
        }
        let groups = Dictionary(
            found.filter { $0.type == "StoreConfiguration" }.map { ($0.kind, $0.name) },
            uniquingKeysWith: { first, _ in first })
        let types = Set(found.map(\.type))
        return found.compactMap { one in
            if one.type == "StoreConfiguration" {
                return types.contains(one.kind) ? nil : (one.name, one.line)
            }
            return ("\(groups[one.type] ?? one.type).\(one.name)", one.line)
        }
    }

    /// The rows whose first cell is one name in backticks, with their lines.
    private static func rows(of file: TextFile) -> [String: Int] {
        var rows: [String: Int] = [:]
        for number in file.lines.indices.map({ $0 + 1 }) {
            let line = file.trimmedLine(number)
            guard line.hasPrefix("| `"), let name = line.dropFirst(3).split(separator: "`").first
            else { continue }
            rows[String(name)] = number
        }
        return rows
    }
}
