// What an append is told of properties, against the scan that knows the places.

import ApusFormat
import Glibc
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

private func holds(_ summary: PropertySummary, for bytes: [UInt8], as previous: [UInt8]) -> Bool {
    summary.holds(for: bytes.span.bytes, as: previous.span.bytes)
}

@Test("a summary holds for properties that differ in their unique key, and for no others wrongly")
func summaryHolds() {
    var random = SeededNumbers.printed()
    let texts = [
        "UNIQ_KEY\u{1}7F0000010BAD18B4AAC216E1F0A70001\u{2}WAIT\u{1}true\u{2}TAGS\u{1}TagA\u{2}",
        "WAIT\u{1}true\u{2}TAGS\u{1}TagA\u{2}UNIQ_KEY\u{1}7F0000010BAD18B4AAC216E1F0A70001",
        "TAGS\u{1}A\u{2}UNIQ_KEY\u{1}0\u{2}", "TAGS\u{1}TagA\u{2}KEYS\u{1}k1 k2\u{2}p\u{1}v\u{2}",
        "UNIQ_KEY\u{1}\u{2}TAGS\u{1}TagABCDEFGHIJ\u{2}__CRC32#\u{1}12345678\u{2}",
    ]
    var held = 0
    for round in 0..<40_000 {
        // What counts begins and ends everywhere in the 64 bytes that are looked at in one go.
        let before = round % 2 == 0 ? 0 : Int.random(in: 0...140, using: &random)
        let padding = before == 0 ? [] : Array(repeating: UInt8(ascii: "p"), count: before) + [2]
        let text = padding + Array(texts[round % texts.count].utf8)
        let summary = PropertySummary(text.span.bytes)
        #expect(holds(summary, for: text, as: text))
        var other = text
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<other.count, using: &random)
            other[place] = UInt8.random(in: 0..<0x80, using: &random) % (round % 2 == 0 ? 4 : 128)
        }
        guard holds(summary, for: other, as: text) else { continue }
        held += 1
        let fresh = PropertySummary(other.span.bytes)
        #expect(
            fresh.tagsHash == summary.tagsHash && fresh.flags == summary.flags,
            "\(other), SEED=\(random.seed)")
    }
    #expect(held > 2000, "\(held)")
    for (position, text) in texts.prefix(3).enumerated() {
        let bytes = Array(text.utf8)
        let end = bytes.count - [33, 0, 1][position]
        var other = bytes
        other[position == 0 ? 40 : end - 1] = UInt8(ascii: "Z")
        let summary = PropertySummary(bytes.span.bytes)
        #expect(holds(summary, for: other, as: bytes), "\(text)")
        #expect(!holds(summary, for: other.dropLast(), as: bytes))
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

/// Memory between two pages that nobody may touch.
private final class Fenced {
    private static let page = 4096
    private let base: UnsafeMutableRawPointer
    private let inner: Int

    init(count: Int) throws {
        inner = (count + Self.page - 1) / Self.page * Self.page
        let all = inner + 2 * Self.page
        let found = mmap(nil, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        base = try #require(found != MAP_FAILED ? found : nil)
        try #require(mprotect(base, Self.page, PROT_NONE) == 0)
        try #require(mprotect(base + all - Self.page, Self.page, PROT_NONE) == 0)
    }

    deinit { munmap(base, inner + 2 * Self.page) }

    /// Gives `body` a copy that ends at the last byte, and one that starts at the first.
    func atBothEnds(_ bytes: [UInt8], _ body: (RawSpan) -> Void) {
        for start in [inner - bytes.count, 0] {
            let place = UnsafeMutableRawBufferPointer(
                start: base + Self.page + start, count: bytes.count)
            place.copyBytes(from: bytes)
            body(UnsafeRawBufferPointer(place).bytes)
        }
    }
}

/// Item by item, as a reader of the format's description would.
private func slowly(_ bytes: [UInt8]) -> (tags: [UInt8], flags: PropertyFlags) {
    var tags: [UInt8] = []
    var flags: PropertyFlags = []
    for item in bytes.split(separator: 2) {
        if item.starts(with: "TAGS\u{1}".utf8), item.count > 5 { tags = Array(item.dropFirst(5)) }
        if item.starts(with: "KEYS\u{1}".utf8), item.count > 5 { flags.insert(.keyed) }
        if item.starts(with: "UNIQ_KEY\u{1}".utf8), item.count > 9 { flags.insert(.keyed) }
        if item.starts(with: "__CRC32#".utf8) { flags.insert(.checksum) }
    }
    if !bytes.isEmpty, bytes.last != 2 { flags.insert(.open) }
    return (tags, flags)
}

private let pieces = [
    "TAGS\u{1}", "KEYS\u{1}", "UNIQ_KEY\u{1}", "DELAY\u{1}", "__CRC32#", "TAGS", "UNIQ_KEY",
    "__CRC32", "T", "K", "\u{1}", "\u{2}", "\u{2}", "\u{2}", "a", "a longer value", "订", "😀",
].map { Array($0.utf8) }

extension Fenced {
    func expectRight(_ bytes: [UInt8], _ seed: UInt64 = 0) {
        let (tags, flags) = slowly(bytes)
        let hash = String(decoding: tags, as: UTF8.self).utf16
            .reduce(Int32(0)) { 31 &* $0 &+ Int32($1) }
        atBothEnds(bytes) { span in
            let summary = PropertySummary(span)
            let scan = PropertyScan(span)
            #expect(summary.tagsHash == hash, "\(bytes), SEED=\(seed)")
            #expect(summary.flags == flags, "\(bytes), SEED=\(seed)")
            let isSame =
                Array(bytes[scan.tags]) == tags && scan.isKeyed == flags.contains(.keyed)
                && scan.hasChecksum == flags.contains(.checksum)
                && scan.isTerminated != flags.contains(.open)
            #expect(isSame, "\(scan), \(bytes), SEED=\(seed)")
        }
    }
}

@Test("hostile properties of every length are summed up right, and nothing beside them is read")
func summaryOfHostileProperties() throws {
    var random = SeededNumbers.printed()
    let fenced = try Fenced(count: 1 << 17)
    for length in Array(0...300) + [32_767, 65_534, 65_535] {
        for _ in 0..<(length > 300 ? 2 : 40) {
            var bytes: [UInt8] = []
            while bytes.count < length {
                if Int.random(in: 0..<16, using: &random) == 0 {
                    let byte = UInt8.random(in: 0...255, using: &random)
                    // What surrogates begin with: Java counts their remains in another way than
                    // the decoder that this is held to. `JavaHash` has tests of them.
                    bytes.append(byte == 0xED ? 0xEE : byte)
                } else {
                    bytes += pieces.randomElement(using: &random) ?? []
                }
            }
            fenced.expectRight(Array(bytes.prefix(length)), random.seed)
        }
    }
    // More than a record holds is refused by its length; it must only be no trap.
    for length in [65_536, 65_537, 1 << 17] {
        fenced.atBothEnds([UInt8](repeating: 0x54, count: length)) { span in
            _ = (PropertySummary(span), PropertyScan(span))
        }
    }
}

@Test("a separator is seen wherever it stands, in properties of every length")
func summarySeesEverySeparator() throws {
    let fenced = try Fenced(count: 4096)
    for length in 1...140 {
        for place in 0..<length {
            var bytes = [UInt8](repeating: 0x70, count: length)
            bytes[place] = 2
            for (offset, byte) in "TAGS\u{1}ab".utf8.enumerated() where place + 1 + offset < length
            {
                bytes[place + 1 + offset] = byte
            }
            fenced.expectRight(bytes)
        }
    }
}
