// docs/mqadmin.md holds what help holds.

import Foundation
import Testing

@testable import mqadmin

@Test("the document has each command with its flags, and no others")
func document() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/mqadmin.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let parts = text.components(separatedBy: "\n### ").dropFirst()
    #expect(
        parts.compactMap { $0.split(separator: "\n").first.map(String.init) }
            == AdminTool.commands.map { $0.name })
    for (command, part) in zip(AdminTool.commands, parts) {
        #expect(part.contains(command.summary), "\(command.name)")
        let rows = part.split(separator: "\n").filter { $0.hasPrefix("| `-") }
        #expect(rows.count == command.flags.count, "\(command.name)")
        for (flag, row) in zip(command.flags, rows) {
            let names = (flag.short.map { "`-\($0)` " } ?? "") + "`--\(flag.long)`"
            #expect(row.hasPrefix("| \(names)") && row.contains(flag.isRequired ? "; must be" : ""))
            #expect(row.contains(flag.text.replacing("|", with: "\\|")), "\(row)")
        }
    }
}
