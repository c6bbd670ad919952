// The rules of the house, held against the tree as it is.

import Testing

@Suite("the tree")
struct TreeTests {
    @Test("keeps each rule of the house", arguments: Rule.all)
    func keeps(rule: Rule) {
        let findings = rule.check(SourceTree.files)
        #expect(
            findings.isEmpty,
            "\(rule.name):\n\(findings.map(\.description).joined(separator: "\n"))")
    }

    @Test("is the one that this test stands in")
    func isFound() {
        let paths = SourceTree.files.map(\.path)
        #expect(paths.contains("Package.swift"))
        #expect(paths.contains("Tests/TidyTests/TreeTests.swift"))
        #expect(paths.contains("Sources/CApus/include/capus.h"))
        #expect(paths.contains(".ci/run"))
        #expect(!paths.contains { $0.contains(".build/") })
        for target in ["ApusSystem", "ApusFormat", "ApusStore"] {
            #expect(SourceTree.files.contains { $0.isSwift && $0.target == target })
        }
    }
}
