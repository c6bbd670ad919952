// The YAML of `plain_acl.yml`: what is read as YAML has it, and what is refused.

import Testing

@testable import ApusServer

extension YAML {
    /// A value in one line, for comparisons.
    fileprivate var summary: String {
        switch content {
        case .null: "null"
        case .text(let text): "'\(text)'"
        case .list(let values): "[\(values.map(\.summary).joined(separator: ","))]"
        case .mapping(let members):
            "{\(members.map { "\($0.key):\($0.value.summary)" }.joined(separator: ","))}"
        }
    }
}

@Suite("a file of plain YAML") struct PlainYAMLTests {
    // What PyYAML makes of these, with every scalar as text.
    static let cases: [(text: String, summary: String)] = [
        ("", "null"), ("# nothing\n\n", "null"), ("---\na: b\n", "{a:'b'}"),
        ("a: b", "{a:'b'}"), ("a:   b c  # d", "{a:'b c'}"), ("a: b#c", "{a:'b#c'}"),
        ("a:", "{a:null}"), ("a: ~", "{a:null}"), ("a: null", "{a:null}"),
        ("a: \"b: # c\"", "{a:'b: # c'}"), ("a: 'it''s'", "{a:'it's'}"),
        ("a: \"\\\"\\\\\"", "{a:'\"\\'}"), ("a: http://b:1/", "{a:'http://b:1/'}"),
        ("'a b': c", "{a b:'c'}"), ("a: []", "{a:[]}"), ("a: {}", "{a:{}}"),
        ("a: [b, 'c', d e]", "{a:['b','c','d e']}"),
        ("a:\n- b\n- c\nd: e", "{a:['b','c'],d:'e'}"),
        ("a:\n  - b\n  - c\nd: e", "{a:['b','c'],d:'e'}"),
        ("a:\n  - b: c\n    d: e\n  - b: f", "{a:[{b:'c',d:'e'},{b:'f'}]}"),
        ("a:\n  - b:\n    - c\n    d: e", "{a:[{b:['c'],d:'e'}]}"),
        ("a:\n  -\n    b: c\n  -", "{a:[{b:'c'},null]}"),
        ("- a\n-   - b\n    - c\n", "['a',['b','c']]"),
        ("a:\r\n  b: c\r\n", "{a:{b:'c'}}"), ("x: a=PUB|SUB", "{x:'a=PUB|SUB'}"),
    ]

    @Test("is read as YAML is", arguments: cases)
    func reading(_ text: String, _ summary: String) throws {
        #expect(try YAML(parsing: text).summary == summary)
    }

    static let refused: [(text: String, line: Int)] = [
        ("a: b\n\tc: d", 2), ("a: b\na: c", 2), ("a: &x b", 1), ("a: *", 1), ("a: |\n  b", 1),
        ("a: 'b", 1), ("a: \"b\" c", 1), ("a: \"\\n\"", 1), ("a: {b: c}", 1), ("a: [b", 1),
        ("a: b\nc", 2), ("a: b\n  c: d", 2), ("a:\n    b: c\n  d: e", 3), ("a: b\n---\nc: d", 2),
        ("- a\nb: c", 2), ("a: !!str b", 1),
        (String(repeating: "- ", count: 20) + "a", 1),
    ]

    @Test("is refused with its line where it is more than that, or none", arguments: refused)
    func refusing(_ text: String, _ line: Int) {
        do {
            let value = try YAML(parsing: text)
            Issue.record("\(text) is read as \(value.summary)")
        } catch { #expect(error.line == line) }
    }
}
