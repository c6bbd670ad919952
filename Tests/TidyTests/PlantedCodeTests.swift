// Each rule on code finds the violation that is planted for it, and only that.

import Testing

@Suite("a planted violation is found")
struct PlantedCodeTests {
    /// The findings of `rule` in one file, as `line: what`.
    private func findings(_ rule: Rule, _ path: String, _ text: String) -> [String] {
        rule.check([TextFile(path: path, text: text)]).map { "\($0.line): \($0.what)" }
    }

    @Test("when a target imports from a floor above, or what its floor may not")
    func importFloors() {
        let text = """
            // Head.
            private import ApusFormat
            public import struct ApusBroker.Router
            @preconcurrency import Foundation
            package import Glibc
            import Synchronization
            // import NIOCore
            let text = "import NIOCore"
            """
        #expect(
            findings(.importFloors, "Sources/ApusStore/CommitLog/CommitLog.swift", text) == [
                "3: ApusStore may not import ApusBroker",
                "4: ApusStore may not import Foundation",
                "5: ApusStore may not import Glibc",
            ])
        #expect(findings(.importFloors, "Sources/ApusSystem/A.swift", "import Glibc") == [])
        let shown = "Sources/ApusStore/ApusStore.docc/A.swift"
        #expect(findings(.importFloors, shown, "import ApusStore") == [])
        #expect(
            findings(.importFloors, "Benchmarks/mqbench/main.swift", "import NIOCore") == [
                "1: mqbench may not import NIOCore"
            ])
        #expect(findings(.importFloors, "Tests/ATests/A.swift", "import Foundation") == [])
    }

    @Test("when a target is on no floor")
    func unknownTarget() {
        #expect(
            findings(.importFloors, "Sources/ApusExtra/A.swift", "import Swift") == [
                "1: target ApusExtra is on no floor"
            ])
    }

    @Test("when a second file imports a compression library")
    func oneFileEachLibrary() {
        let files = ["A", "B"].map {
            TextFile(path: "Sources/ApusFormat/\($0).swift", text: "// Head.\nimport CZstd\n")
        }
        #expect(Rule.oneFileEachLibrary.check(files).map(\.path) == ["Sources/ApusFormat/B.swift"])
        #expect(Rule.oneFileEachLibrary.check([files[0]]).isEmpty)
    }

    @Test("when the engine suspends")
    func tasks() {
        let text = """
            // Not async.
            func append() async throws {
                Task { await flush("async") }
            }
            enum Mode { case async }
            let mode = Mode.async
            """
        #expect(
            findings(.noTasksInTheStore, "Sources/ApusStore/A.swift", text) == [
                "2: `async` in the engine", "3: `Task` in the engine", "3: `await` in the engine",
            ])
        let overlay = "Sources/ApusStore/MessageStore+Async.swift"
        #expect(findings(.noTasksInTheStore, overlay, text) == [])
        #expect(findings(.noTasksInTheStore, "Sources/ApusClient/A.swift", text) == [])
    }

    @Test("when unsafe code stands in a file that is not listed")
    func unsafe() {
        let found = { (path: String, text: String) in findings(.unsafeFiles, path, text) }
        #expect(
            found("Sources/ApusStore/A.swift", "// unsafe\nlet a = unsafe b\n") == [
                "2: `unsafe` in a file that is not listed as unsafe"
            ])
        #expect(
            found("Sources/ApusStore/A.swift", "let a: UnsafeRawPointer\n") == [
                "1: `UnsafeRawPointer` in a file that is not listed as unsafe"
            ])
        #expect(found("Sources/ApusFormat/Field.swift", "let a = unsafe b\n") == [])
        #expect(found("Sources/mqstore/A.swift", "let a = unsafe b\n") == [])
        #expect(found("Sources/ApusStore/A.swift", "let unsafely = \"unsafe\"\n") == [])
    }

    @Test("when a listed file is no longer unsafe")
    func staleUnsafe() {
        #expect(
            findings(.unsafeFiles, "Sources/ApusFormat/Field.swift", "// unsafe\n") == [
                "1: listed as unsafe, but it is not"
            ])
    }

    @Test("when unchecked concurrency gives no reason")
    func reasons() {
        let text = """
            /// What it is.
            struct A: @unchecked Sendable {
                let a = 1
            }

            struct B: @unchecked Sendable {
                // Sendable: it holds nothing.
            }

            /// What it is.
            nonisolated(unsafe) var c = 1
            // Written once, before any thread starts.
            nonisolated(unsafe) var d = 1
            """
        #expect(
            findings(.reasonsForExceptions, "Sources/ApusStore/A.swift", text) == [
                "2: @unchecked Sendable without a reason",
                "11: nonisolated(unsafe) without a reason",
            ])
    }

    @Test("when a file is too long, or too many are long")
    func fileLengths() {
        func files(_ lengths: [Int]) -> [TextFile] {
            lengths.enumerated().map {
                TextFile(
                    path: "Sources/ApusStore/\($0.offset).swift",
                    text: String(repeating: "//\n", count: $0.element))
            }
        }
        func found(_ lengths: [Int]) -> [String] {
            Rule.fileLengths.check(files(lengths)).map(\.what)
        }
        #expect(found([]) == [])
        #expect(found(Array(repeating: 150, count: 9) + [500]) == [])
        #expect(
            found(Array(repeating: 150, count: 10) + [501]) == ["501 lines, where 500 is the cap"])
        #expect(found([100, 151, 151]).count == 1)
        #expect(found(Array(repeating: 10, count: 8) + [401, 401]).count == 1)
    }

    @Test("when a function is too long")
    func functionLengths() {
        func text(_ head: String, _ statements: Int) -> String {
            let body = String(repeating: "        work(\"}\")\n", count: statements)
            return "struct A {\n    \(head) {\n\(body)    }\n}\n"
        }
        let heads = [
            "func long(a: () -> Int = { 1 }) throws(Failure) -> [Int]": "long",
            "init?(_ a: [Int: Int])": "init", "var b: Int": "b",
            "static func == (a: A, b: A) -> Bool": "=",
            "subscript(a: Int) -> Int": "subscript",
        ]
        for (head, name) in heads {
            #expect(
                findings(.functionLengths, "Sources/ApusStore/A.swift", text(head, 69)) == [
                    "2: \(name) has 71 lines, where 70 is the cap"
                ])
            #expect(findings(.functionLengths, "Sources/ApusStore/A.swift", text(head, 68)) == [])
        }
        let requirements = "protocol P {\n    func a()\n    var b: Int { get }\n    init()\n}\n"
        let other = "struct B {\n" + String(repeating: "    let a = 1\n", count: 80) + "}\n"
        #expect(
            findings(.functionLengths, "Sources/ApusStore/A.swift", requirements + other) == [])
    }

    @Test("when a function in C is too long")
    func functionLengthsInC() {
        func text(_ statements: Int) -> String {
            "static int a(int b) {\n" + String(repeating: "    b++;\n", count: statements) + "}\n"
        }
        #expect(findings(.functionLengths, "Sources/CApus/a.c", text(69)).count == 1)
        #expect(findings(.functionLengths, "Sources/CApus/a.c", text(68)) == [])
    }

    @Test("when a line is too wide")
    func lineWidths() {
        let wide = String(repeating: "é", count: 100)
        #expect(
            findings(.lineWidths, "Tests/A.swift", "\(wide)\n\(wide)x\n") == [
                "2: 101 columns, where 100 is the cap"
            ])
    }

    @Test("when a type or a file has an empty word in its name")
    func names() {
        let text = """
            struct StoreManager {}
            final class InnerStore {}
            enum TopicUtils {}
            struct Base64 {}
            struct Servicing {}
            class func baseline() {}
            // struct Helper {}
            """
        #expect(
            findings(.names, "Sources/ApusStore/StoreHelpers.swift", text) == [
                "1: StoreManager is named with `Manager`", "2: InnerStore is named with `Inner`",
                "3: TopicUtils is named with `Utils`",
                "1: StoreHelpers is named with `Helpers`",
            ])
    }

    @Test("when a source has no head comment")
    func headComments() {
        let body = String(repeating: "let a = 1\n", count: 10)
        let found = { findings(.headComments, "Sources/ApusStore/A.swift", $0) }
        #expect(found(body) == ["1: no head comment"])
        #expect(found("/// A thing.\n" + body) == ["1: no head comment"])
        #expect(found("// What this is.\n" + body) == [])
        #expect(found("let a = 1\n") == [])
        #expect(found("// swift-tools-version: 6.2\n" + body) == ["1: no head comment"])
    }

    @Test("when something is left to do, or a workplace is named")
    func leftovers() {
        let note = "TO" + "DO"
        #expect(
            findings(.nothingLeftToDo, "a.sh", "a\n# \(note): b\n# \(note)S\n") == [
                "2: a note of something left to do (\(note))"
            ])
        let place = "/wo" + "rk"
        let lines =
            "a \(place)/main\n`\(place)`\n\(place)er\nhttps://a.b\(place)/c\nhome\(place)/a\n"
        #expect(
            findings(.noWorkplacePaths, "docs/a.md", lines) == [
                "1: a path of somebody's workplace (\(place))",
                "2: a path of somebody's workplace (\(place))",
            ])
    }
}
