// What an append is told of properties, against the scan that knows the places.

import ApusFormat
import TestSupport
import Testing

private func expectAgreement(_ bytes: [UInt8], _ seed: UInt64 = 0) {
    let scan = PropertyScan(bytes.span.bytes)
    let summary = PropertySummary(bytes.span.bytes)
    let hash = String(decoding: bytes[scan.tags], as: UTF8.self).utf16
        .reduce(Int32(0)) { 31 &* $0 &+ Int32($1) }
    #expect(summary.tagsHash == hash, "\(bytes), SEED=\(seed)")
    #expect(summary.flags.contains(.keyed) == scan.isKeyed, "\(bytes), SEED=\(seed)")
    #expect(summary.flags.contains(.checksum) == scan.hasChecksum, "\(bytes), SEED=\(seed)")
    #expect(summary.flags.contains(.open) != scan.isTerminated, "\(bytes), SEED=\(seed)")
}

@Test("for random properties the summary says what the scan says, and the tags' hash")
func summaryAgreesWithScan() {
    var random = SeededNumbers.printed()
    let names = ["TAGS", "KEYS", "UNIQ_KEY", "DELAY", "WAIT", "k", "", "TAG", "__CRC32#", "TAGSX"]
    for _ in 0..<20_000 {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<8, using: &random) {
            bytes += Array(names.randomElement(using: &random)?.utf8 ?? "".utf8)
            if Int.random(in: 0..<8, using: &random) > 0 { bytes.append(1) }
            for _ in 0..<Int.random(in: 0..<24, using: &random) {
                bytes.append(UInt8.random(in: 3..<0x80, using: &random))
            }
            bytes.append(2)
        }
        if Bool.random(using: &random), !bytes.isEmpty { bytes.removeLast() }
        expectAgreement(bytes, random.seed)
    }
}

@Test("tags hash alike whatever their length, and wherever in the properties they stand")
func summaryHashesTags() {
    for length in 0...40 {
        for before in [0, 1, 3, 15, 16, 47, 59, 60, 64, 75, 128] {
            for (foreign, end) in [("", "\u{2}"), ("", ""), ("é", "\u{2}"), ("é", "")] {
                let name = before == 0 ? "" : String(repeating: "p", count: before) + "\u{2}"
                let tags = String((0..<length).map { Character(Unicode.Scalar(UInt8(48 + $0))) })
                expectAgreement(Array((name + "TAGS\u{1}" + foreign + tags + end).utf8))
                expectAgreement(
                    Array((name + "TAGS\u{1}" + tags + foreign + "\u{2}a\u{1}b" + end).utf8))
            }
        }
    }
}

@Test("names at the end of properties are not mistaken for longer ones")
func summaryEndsWithTheProperties() {
    let padding = Array("padding\u{1}pppppp\u{2}".utf8)
    for name in ["TAGS\u{1}a", "KEYS\u{1}k", "UNIQ_KEY\u{1}u", "__CRC32#"] {
        for length in 0...name.utf8.count {
            expectAgreement(padding + Array(name.utf8).prefix(length))
            expectAgreement(padding + Array(name.utf8).prefix(length) + [2])
        }
    }
}
