// Each rule on documents finds what is planted for it; and what the scanner takes for code.

import Testing

@Suite("a planted fault in a document is found")
struct PlantedDocumentTests {
    private func findings(_ rule: Rule, _ files: [String: String]) -> [String] {
        rule.check(files.map { TextFile(path: $0.key, text: $0.value) }).map(\.description).sorted()
    }

    @Test("when it has no title, or two")
    func titles() {
        let advice = "One title at the top, the rest from ## on."
        let what = "headings of the first level, where there is one. \(advice)"
        #expect(findings(.oneTitle, ["a.md": "# A\n\n## B\n\n```sh\n# no heading\n```\n"]) == [])
        #expect(findings(.oneTitle, ["a.md": "# A\n\n# B\n"]) == ["a.md:3: 2 \(what)"])
        #expect(findings(.oneTitle, ["a.md": "text\n"]) == ["a.md:1: 0 \(what)"])
    }

    @Test("when a link leads nowhere")
    func links() {
        let document = """
            # A
            [good](b.md) [good](b.md#a-heading-twice-1) [good](../README.md "title")
            [good](https://example.org/none.md) [good](#a) `[code](none.md)`
            [bad](none.md)
            [bad](b.md#none) ![bad](none.svg)
            [bad](../../above.md)
            [bad]: <none.md>

            ```
            [code](none.md)
            ```
            """
        let other = "# B\n## A heading, `twice`\n## A heading, twice\n"
        let mend = "Mend the link or remove it."
        #expect(
            findings(
                .linksResolve, ["docs/a.md": document, "docs/b.md": other, "README.md": "# R\n"])
                == [
                    "docs/a.md:4: the link to none.md leads to no file. \(mend)",
                    "docs/a.md:5: the link to b.md#none leads to no heading. \(mend)",
                    "docs/a.md:5: the link to none.svg leads to no file. \(mend)",
                    "docs/a.md:6: the link to ../../above.md leaves the tree. \(mend)",
                    "docs/a.md:7: the link to none.md leads to no file. \(mend)",
                ])
    }

    @Test("when the README's example is not the one that a test runs")
    func example() {
        let test = """
            func example() {
                // README: begin
                for one in all {
                    use(one)
                }
                // README: end
            }
            """
        func check(_ shown: String) -> [String] {
            findings(
                .readmeExample,
                [
                    "README.md": "# R\n\n```swift\n\(shown)\n```\n",
                    "Tests/ApusStoreTests/ReadmeExampleTests.swift": test,
                ])
        }
        let advice = "Copy the one over the other."
        let what =
            "the example differs from the one in Tests/ApusStoreTests/ReadmeExampleTests.swift"
        #expect(check("import ApusStore\n\nfor one in all {\n    use(one)\n}") == [])
        #expect(
            check("import ApusStore\n\nfor one in all {\n    use(two)\n}")
                == ["README.md:7: \(what). \(advice)"])
        #expect(
            check("import ApusStore\n\nfor one in all {") == ["README.md:7: \(what). \(advice)"])
    }

    @Test("when a setting has no row in the table, or a row no setting")
    func settings() {
        let source = """
            public struct StoreConfiguration {
                public var flush = FlushSettings()
                public var packing: PackingSettings?
                public var host = Host.loopback(port: 1)
                public static var small: StoreConfiguration { StoreConfiguration() }
            }
            public struct FlushSettings { public var pages = 4 }
            public struct PackingSettings { public var level: Int? }
            """
        let table = "# S\n\n| setting | |\n|---|---|\n| `flush.pages` | |\n| `flush.page` | |\n"
        let (path, document) = ("Sources/ApusStore/StoreConfiguration.swift", "docs/settings.md")
        let advice = "Add one: setting, RocketMQ's key, default, meaning."
        #expect(
            findings(.settingsTable, [path: source, document: table]) == [
                "\(path):4: `host` has no row in \(document). \(advice)",
                "\(path):8: `packing.level` has no row in \(document). \(advice)",
                "\(document):6: `flush.page` is no setting. Remove the row or mend its name.",
            ])
    }

    @Test("when a setting of the client has no row below its heading, or a row no setting")
    func clientSettings() {
        let source = """
            public struct ProducerConfiguration {
                public var attempts = 3
                public var group = "g"
            }
            """
        let guide = """
            # C
            | `other` | |
            ### Settings of a producer
            | `group` | |
            | `tries` | |
            ## Else
            | `attempts` | |
            """
        let path = "Sources/ApusClient/Producer/ProducerConfiguration.swift"
        #expect(
            findings(.clientSettings, [path: source, "docs/client.md": guide]) == [
                "\(path):2: `attempts` has no row in docs/client.md."
                    + " Add one below Settings of a producer.",
                "docs/client.md:5: `tries` is no setting of \(path)."
                    + " Remove the row or mend its name.",
            ])
    }
}

@Suite("the scanner")
struct CodeScannerTests {
    @Test(
        "keeps code and blanks comments and strings",
        arguments: [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (#"a("b // c") d"#, "a(        ) d"),
            (#"a("b \(c("d")) e") f"#, "a(     c(   )    ) f"),
            (#"a("\"b\\") c"#, "a(       ) c"),
            ("a(#\"b\"c\\#(d)\"#) e", "a(        d   ) e"),
            ("a(\"\"\"\n  b \"c\" \\\n  \"\"\") d", "a(   \n         \n     ) d"),
            ("a(\"b\nc", "a(  \nc"),
            ("#if a\n#expect(b)", "#if a\n#expect(b)"),
        ])
    func blanks(text: String, expected: String) {
        #expect(CodeScanner.code(of: text) == expected)
    }

    @Test("keeps every line where it was")
    func keepsLines() {
        for file in SourceTree.files where file.isSwift {
            let lines = file.code.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == file.lines.count, "\(file.path)")
        }
    }
}
