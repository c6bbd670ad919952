// The floors of the house, read off the sources' imports.

import Foundation
import Testing

private let allowed: [String: Set<String>] = [
    "ApusSystem": ["CApus", "Glibc", "Synchronization"],
    "ApusFormat": ["CApus", "CLZ4", "CZstd", "CDeflate", "Synchronization"],
    "ApusStore": ["ApusFormat", "ApusSystem", "Synchronization"],
]

private let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Modules that a source imports.
private func imports(of source: String) -> [String] {
    source.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
            words[..<place].allSatisfy({ $0.allSatisfy { $0.isLetter || $0 == "@" } })
        else { return nil }
        return String(words[place + 1])
    }
}

@Test("the import reader sees every form of import and no comment")
func importReader() {
    let source = "private import Glibc\n@testable import A\nimport B\n// we import nothing\n"
    #expect(imports(of: source) == ["Glibc", "A", "B"])
}

@Test("an import goes down only")
func importsGoDown() throws {
    for (target, modules) in allowed {
        let folder = root.appending(path: "Sources/\(target)")
        let files = try #require(FileManager.default.enumerator(atPath: folder.path()))
        var count = 0
        for case let name as String in files where name.hasSuffix(".swift") {
            count += 1
            let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            let wrong = Set(imports(of: source)).subtracting(modules)
            #expect(wrong.isEmpty, "\(target)/\(name) must not import \(wrong)")
            let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 500, "\(target)/\(name) has \(lines.count) lines")
            #expect(source.hasPrefix("//"), "\(target)/\(name) lacks its head comment")
        }
        #expect(count > 0, "no sources in \(target)")
    }
}
