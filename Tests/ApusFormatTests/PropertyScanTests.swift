// The scan of properties that each append makes, against a plain one.

import ApusFormat
import TestSupport
import Testing

private func scan(_ bytes: [UInt8]) -> PropertyScan { PropertyScan(bytes.span.bytes) }

private func text(_ bytes: [UInt8], _ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
}

@Test("tags, keys, unique key and delay are found wherever they stand")
func scanFindsNames() {
    let bytes = Array(
        "WAIT\u{1}true\u{2}TAGS\u{1}TagA\u{2}KEYS\u{1}k1 k2\u{2}UNIQ_KEY\u{1}0AFF\u{2}DELAY\u{1}3"
            .utf8)
    let found = scan(bytes)
    #expect(text(bytes, found.tags) == "TagA")
    #expect(text(bytes, found.keys) == "k1 k2")
    #expect(text(bytes, found.uniqueKey) == "0AFF")
    #expect(text(bytes, found.delay) == "3")
    #expect(found.isKeyed && !found.isTerminated && !found.hasChecksum)
}

@Test("a longer name that begins like a known one is another name")
func scanComparesWholeNames() {
    let bytes = Array("TAGSX\u{1}a\u{2}UNIQ_KEYS\u{1}b\u{2}KEY\u{1}c\u{2}DELAYED\u{1}d\u{2}".utf8)
    let found = scan(bytes)
    #expect(found.tags.isEmpty && !found.isKeyed && found.delay.isEmpty && found.isTerminated)
}

@Test("the last item of a name counts, and an empty value is none")
func scanTakesTheLast() {
    let twice = Array("TAGS\u{1}a\u{2}TAGS\u{1}b\u{2}".utf8)
    #expect(text(twice, scan(twice).tags) == "b")
    #expect(scan(Array("KEYS\u{1}\u{2}".utf8)).keys.isEmpty)
    #expect(scan(Array("KEYS".utf8)).keys.isEmpty)
}

@Test("an empty value behind another leaves that one standing, as for RocketMQ")
func scanPassesOverEmptyValues() {
    let names = ["TAGS", "KEYS", "UNIQ_KEY", "DELAY"]
    for last in ["", "\u{2}"] {
        let items = names.map { "\($0)\u{1}7\u{2}" } + names.map { "\($0)\u{1}\u{2}" }
        let bytes = Array((items.joined() + "TAGS\u{1}" + last).utf8)
        let found = scan(bytes)
        for range in [found.tags, found.keys, found.uniqueKey, found.delay] {
            #expect(text(bytes, range) == "7")
        }
        for name in names {
            #expect(
                Properties.valueRange(of: name, in: bytes.span.bytes)?.count == 1, "\(name)")
        }
    }
}

@Test("a checksum that a sender put in is noticed")
func scanSeesChecksum() {
    #expect(scan(Array("__CRC32#\u{1}0123456789\u{2}".utf8)).hasChecksum)
    #expect(!scan(Array("__CRC32\u{1}0123456789\u{2}".utf8)).hasChecksum)
}

@Test("for random properties the scan agrees with splitting them into items")
func scanAgreesWithSplitting() {
    var random = SeededNumbers.printed()
    let names = ["TAGS", "KEYS", "UNIQ_KEY", "DELAY", "WAIT", "k", "", "TAG", "__CRC32#"]
    for _ in 0..<5_000 {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            bytes += Array(names.randomElement(using: &random)?.utf8 ?? "".utf8)
            if Bool.random(using: &random) { bytes.append(1) }
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                bytes.append(UInt8.random(in: 3...255, using: &random))
            }
            bytes.append(2)
        }
        if Bool.random(using: &random), !bytes.isEmpty { bytes.removeLast() }
        var expected: [String: ArraySlice<UInt8>] = [:]
        for item in bytes.split(separator: 2) {
            for name in names where !name.isEmpty {
                let start = Array(name.utf8) + [1]
                let value = item.dropFirst(start.count)
                if item.starts(with: start), !value.isEmpty { expected[name] = value }
            }
        }
        let found = scan(bytes)
        #expect(bytes[found.tags] == expected["TAGS"] ?? [], "SEED=\(random.seed)")
        #expect(bytes[found.keys] == expected["KEYS"] ?? [], "SEED=\(random.seed)")
        #expect(bytes[found.uniqueKey] == expected["UNIQ_KEY"] ?? [], "SEED=\(random.seed)")
        #expect(bytes[found.delay] == expected["DELAY"] ?? [], "SEED=\(random.seed)")
    }
}

@Test("places up to the limit are found, and what is behind it is not seen")
func scanEndsAtTheLimit() {
    let tags = Array("TAGS\u{1}a\u{2}".utf8)
    for (padding, isFound) in [
        (PropertyScan.limit - tags.count, true), (PropertyScan.limit, false),
    ] {
        var bytes = Array("x\u{1}".utf8)
        bytes += [UInt8](repeating: 0x61, count: padding - bytes.count - 1) + [2] + tags
        let found = scan(bytes)
        #expect(found.tags.isEmpty != isFound)
        if isFound { #expect(text(bytes, found.tags) == "a" && found.isTerminated) }
    }
}
