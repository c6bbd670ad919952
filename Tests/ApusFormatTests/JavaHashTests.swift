// Java's string hash: RocketMQ's own values, and Swift's decoder as the oracle.

import ApusFormat
import Testing

private func hash(_ text: String) -> Int32 {
    JavaHash.hashCode(utf8: Array(text.utf8).span.bytes)
}

@Test("texts hash as in Java")
func knownHashes() {
    let known: [(String, Int32)] = [
        ("", 0), ("TagA", 2_598_919), ("TopicTest#KEY1", -1_656_969_516),
        ("polygenelubricants", .min), ("订单", 1_129_459), ("😀", 1_772_899), ("Aa", 2112),
        ("BB", 2112),
    ]
    for (text, value) in known { #expect(hash(text) == value, "\(text)") }
    #expect(TagsCode.code(tags: Array("TopicTest#KEY1".utf8).span.bytes) == -1_656_969_516)
}

@Test("texts of every length hash alike, with a character that is not ASCII anywhere")
func everyLength() {
    for length in 0...40 {
        let ascii = (0..<length).map { Character(Unicode.Scalar(UInt8(127 - 2 * $0))) }
        for place in 0...length {
            for foreign in ["", "é", "😀"] {
                let text = String(ascii[..<place]) + foreign + String(ascii[place...])
                let expected = text.utf16.reduce(Int32(0)) { 31 &* $0 &+ Int32($1) }
                #expect(hash(text) == expected, "\(text)")
            }
        }
    }
}

@Test("an index key hashes without being joined, and without a sign")
func indexKeys() {
    func key(_ topic: String, _ key: String) -> Int32 {
        IndexKey.hash(topic: Array(topic.utf8).span.bytes, key: Array(key.utf8).span.bytes)
    }
    #expect(key("TopicTest", "KEY1") == 1_656_969_516)
    #expect(key("TopicTest", "KEY1") % 5_000_000 == 1_969_516)
    #expect(key("订单", "😀") == abs(hash("订单#😀")))
    #expect(hash("TopicTest#DV[XZAX") == .min && key("TopicTest", "DV[XZAX") == 0)
}

@Test("every sequence of boundary bytes hashes as its decoded text, ill-formed ones too")
func everySequence() {
    let edges: [UInt8] = [
        0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
        0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    var wrong: [[UInt8]] = []
    for a in edges {
        for b in edges {
            for c in edges {
                for d in edges {
                    let bytes = [a, b, c, d]
                    if zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0xED && $1 > 0x9F }) {
                        continue  // Java and Swift differ on surrogates: see the test below.
                    }
                    let expected = String(decoding: bytes, as: UTF8.self).utf16
                        .reduce(Int32(0)) { 31 &* $0 &+ Int32($1) }
                    if JavaHash.hashCode(utf8: bytes.span.bytes) != expected { wrong.append(bytes) }
                }
            }
        }
    }
    #expect(wrong.isEmpty, "\(wrong.count), first \(wrong.first ?? [])")
}

@Test("a surrogate half in UTF-8 is one replacement character, as Java decodes it")
func surrogates() {
    let vectors: [([UInt8], String)] = [
        ([0xED, 0xA0, 0x80], "\u{FFFD}"), ([0xED, 0xA0, 0x41], "\u{FFFD}A"),
        ([0xED, 0xA0], "\u{FFFD}"), ([0xED, 0x9F, 0xBF], "\u{D7FF}"),
        ([0xEE, 0x80, 0x80], "\u{E000}"),
    ]
    for (bytes, text) in vectors {
        #expect(JavaHash.hashCode(utf8: bytes.span.bytes) == hash(text), "\(bytes)")
    }
}
