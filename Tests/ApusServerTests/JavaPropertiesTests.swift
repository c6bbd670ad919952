// Properties files as Java reads them.

import Testing

@testable import ApusServer

@Suite("a properties file") struct JavaPropertiesTests {
    private func read(_ text: String) throws -> [String: String] {
        let entries = try JavaProperties(parsing: text).entries
        return Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    // What `java.util.Properties` makes of these.
    static let cases: [(text: String, key: String, value: String)] = [
        ("a=b", "a", "b"), ("  a =  b c ", "a", "b c "), ("a:b", "a", "b"), ("a b", "a", "b"),
        ("a\tb=c", "a", "b=c"), ("a", "a", ""), ("a=", "a", ""), ("a==b", "a", "=b"),
        ("a\\=b=c", "a=b", "c"), ("a\\ b=c", "a b", "c"), ("a=\\tb\\n", "a", "\tb\n"),
        ("a=\\u00e9\\uD83D\\uDE00", "a", "é😀"), ("a=é", "a", "é"), ("a=b\\", "a", "b"),
        ("a=b\\\n   c", "a", "bc"), ("a=b\\\r\n\t\\\nc", "a", "bc"), ("a=b\\\\\nc=d", "a", "b\\"),
        ("#a=x\n!a=y\n\n  # a=z\na=b", "a", "b"), ("a=b#c", "a", "b#c"), ("a=b\\\n#c", "a", "b#c"),
        ("a=1\ra=2\r\na=3", "a", "3"), ("=b", "", "b"), ("a = b = c", "a", "b = c"),
        ("\\", "", ""), ("a=\\q", "a", "q"),
    ]

    @Test("is read as Java reads it", arguments: cases)
    func reading(_ text: String, _ key: String, _ value: String) throws {
        #expect(try read(text)[key] == value)
    }

    @Test("knows the line that each setting begins on")
    func lines() throws {
        let entries = try JavaProperties(parsing: "# one\na=1\\\n 2\n\r\nb=3\n").entries
        #expect(entries.map(\.key) == ["a", "b"] && entries.map(\.line) == [2, 5])
    }

    @Test("is refused with the line that is wrong")
    func refused() {
        for text in ["a=b\nc=\\u12", "a=b\nc=\\u12g4", "a=b\nc=\\u+123", "a=b\nc=\\u-000"] {
            #expect(throws: JavaPropertiesError.self) { try JavaProperties(parsing: text) }
        }
        let error = #expect(throws: JavaPropertiesError.self) {
            try JavaProperties(parsing: Array("a=b\nc=".utf8) + [0xFF])
        }
        #expect(error?.line == 2)
    }

    @Test("of any bytes is read or refused")
    func anyBytes() {
        var numbers = SystemRandomNumberGenerator()
        let alphabet = Array("a=: \t\\u0\n\r#!é".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &numbers)).map { _ in
                alphabet.randomElement(using: &numbers) ?? 0
            }
            _ = try? JavaProperties(parsing: bytes)
        }
    }

    @Test("has the same entries whichever way its lines end")
    func lineEnds() throws {
        let text = """
            \u{20} ! a comment \\
            a=1
            b : 2
            c\t3
            d==4
            e\\=\\:\\ f = g\\ttab \\\\ \\u00e4\\uD83D\\uDE00 \\z
            long = one \\
                two\\
            \tthree
            empty
            h =\u{20}
            # no comment in = between \\
            last=x\\
            """
        let entries = try JavaProperties(parsing: text.replacing("\n", with: "\r\n")).entries
        #expect(entries == (try JavaProperties(parsing: text).entries))
        #expect(entries.map(\.key) == ["a", "b", "c", "d", "e=: f", "long", "empty", "h", "last"])
        #expect(
            entries.map(\.value) == [
                "1", "2", "3", "=4", "g\ttab \\ ä😀 z", "one twothree", "", "", "x",
            ])
        #expect(entries.map(\.line) == [2, 3, 4, 5, 6, 7, 10, 11, 13])
    }
}
