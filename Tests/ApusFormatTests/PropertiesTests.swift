// Properties, read as RocketMQ reads them.

import ApusFormat
import Testing

/// Two-line stand-in for control characters: `=` is 01 and `;` is 02.
private func text(_ readable: String) -> [UInt8] {
    readable.utf8.map { $0 == UInt8(ascii: "=") ? 1 : $0 == UInt8(ascii: ";") ? 2 : $0 }
}

private func decode(_ readable: String) -> [String] {
    Properties.decode(text(readable).rawSpan).map { "\($0.name)|\($0.value)" }
}

@Test("properties read as RocketMQ reads them, odd ones too")
func decodesProperties() {
    let cases: [(String, [String])] = [
        ("", []), ("TAGS=TagA;", ["TAGS|TagA"]), ("TAGS=TagA", ["TAGS|TagA"]),
        ("b=2;a=1;", ["b|2", "a|1"]), ("a=1;a=2;", ["a|1", "a|2"]),
        ("a=;b=2;", ["b|2"]), ("a=", []), ("=1;b=2;", ["b|2"]), ("=;b=2;", ["b|2"]),
        ("=", []), (";;;b=2;", ["b|2"]), ("x;b=2;", ["b|2"]), ("long;b=2;", ["b|2"]),
        ("ab;b=2", ["b|2"]), ("a=1\u{1}2;", ["a|1\u{1}2"]), ("a==;", ["a|\u{1}"]),
        ("==x;b=2;", ["b|2"]), ("订=单;", ["订|单"]),
    ]
    for (given, expected) in cases {
        #expect(decode(given) == expected, "\(given)")
    }
    let illFormed = text("a=") + [0xFF, 2]
    #expect(Properties.decode(illFormed.rawSpan) == [Property(name: "a", value: "\u{FFFD}")])
}

@Test("the value of a name is the last one, whole, and nothing of a longer or shorter name")
func findsValues() {
    let cases: [(String, String, String?)] = [
        ("a=1;b=22;", "b", "22"), ("a=1;b=22;", "a", "1"), ("a=1;a=2;", "a", "2"),
        ("a=1;a=2;a=;", "a", "2"), ("ab=1;", "a", nil), ("a=1;", "ab", nil), ("a=1", "a", "1"),
        ("", "a", nil), ("a=b=c;", "a", "b\u{1}c"), ("x=a=1;", "a", nil), ("=1;", "", nil),
        ("a;a=1;", "a", "1"),
    ]
    for (given, name, expected) in cases {
        let range = Properties.valueRange(of: name, in: text(given).rawSpan)
        let value = range.map { String(decoding: text(given)[$0], as: UTF8.self) }
        #expect(value == expected, "\(name) in \(given)")
    }
}

@Test("properties survive their bytes, and each is found by its name")
func roundTrips() {
    #expect(Properties.encode([Property(name: "TAGS", value: "TagA")]) == text("TAGS=TagA;"))
    #expect(Properties.encode([]).isEmpty)
    var random = SeededGenerator(for: "roundTrips")
    let letters: [Character] = ["a", "B", "_", "订", "😀", " ", "#"]
    func word(_ lengths: ClosedRange<Int>) -> String {
        String(
            (0..<Int.random(in: lengths, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? "a"
            })
    }
    for _ in 0..<500 {
        let properties = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            Property(name: word(1...4), value: word(1...6))
        }
        let encoded = Properties.encode(properties)
        #expect(Properties.decode(encoded.rawSpan) == properties)
        for property in properties {
            let last = properties.last { Array($0.name.utf8) == Array(property.name.utf8) }
            let range = Properties.valueRange(of: property.name, in: encoded.rawSpan)
            #expect(range.map { String(decoding: encoded[$0], as: UTF8.self) } == last?.value)
        }
    }
}

@Test("no bytes make reading properties trap, and the two readings agree")
func hostileProperties() {
    var random = SeededGenerator(for: "hostileProperties")
    for _ in 0..<20_000 {
        let given = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            ([1, 2, 0x61, 0x62] as [UInt8]).randomElement(using: &random) ?? 1
        }
        let properties = Properties.decode(given.rawSpan)
        for name in ["a", "b", "ab"] {
            let range = Properties.valueRange(of: name, in: given.rawSpan)
            let value = range.map { String(decoding: given[$0], as: UTF8.self) }
            #expect(value == properties.last { $0.name == name }?.value, "\(name) in \(given)")
        }
    }
}

@Test("what could not be told apart again is not encodable")
func encodable() {
    #expect(Properties.isEncodable(name: "a", value: "1"))
    #expect(Properties.isEncodable(name: "a", value: ""))
    #expect(!Properties.isEncodable(name: "", value: "1"))
    for odd in ["\u{1}", "\u{2}", "x\u{1}", "\u{2}x"] {
        #expect(!Properties.isEncodable(name: odd, value: "1"))
        #expect(!Properties.isEncodable(name: "a", value: odd))
    }
}
