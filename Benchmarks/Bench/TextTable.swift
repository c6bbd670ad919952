// Columns of text for a terminal.

/// Rows of cells, each column as wide as its widest cell.
package struct TextTable {
    package enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    package init(_ columns: [(String, Alignment)]) {
        alignments = columns.map { $0.1 }
        rows = [columns.map { $0.0 }]
    }

    package mutating func add(_ cells: [String]) { rows.append(cells) }

    package var lines: [String] {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return alignments[column] == .left ? row[column] + space : space + row[column]
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
