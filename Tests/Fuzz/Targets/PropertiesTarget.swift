// Properties: the decoder, the scan of an append and a plain splitting must say the same.

import ApusFormat

enum PropertiesTarget {
    /// One property as a plain splitting finds it.
    private struct Item: Equatable {
        let name: Range<Int>
        let value: Range<Int>
    }

    static func run(_ input: RawSpan) throws(FuzzFinding) {
        let bytes = [UInt8](input)
        let items = split(bytes)
        var visited: [Item] = []
        Properties.forEach(in: input) { visited.append(Item(name: $0, value: $1)) }
        try expectEqual(visited, items, "where properties stand")
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        let decoded = Properties.decode(input)
        try expectEqual(
            decoded, items.map { Property(name: text($0.name), value: text($0.value)) },
            "decoded properties")
        let scan = PropertyScan(input)
        try checkScan(scan, items, bytes)
        try checkSummary(PropertySummary(input), scan, bytes)
        for item in items.prefix(8) {
            let name = text(item.name)
            guard Array(name.utf8) == Array(bytes[item.name]) else { continue }
            try expectEqual(
                Properties.valueRange(of: name, in: input), last(name, items, bytes),
                "where the value of \(name) stands")
        }
        let encodable = decoded.filter { Properties.isEncodable(name: $0.name, value: $0.value) }
        let encoded = Properties.encode(encodable)
        try expectEqual(
            Properties.decode(encoded.rawSpan), encodable, "properties that are encoded and decoded"
        )
        try expect(PropertyScan(encoded.rawSpan).isTerminated, "encoded properties are terminated")
        try expectEqual(JavaHash.hashCode(utf8: input), hash(bytes), "Java's hash")
    }

    private static func checkScan(
        _ scan: PropertyScan, _ items: [Item], _ bytes: [UInt8]
    ) throws(FuzzFinding) {
        for (name, found) in [
            ("TAGS", scan.tags), ("KEYS", scan.keys), ("UNIQ_KEY", scan.uniqueKey),
            ("DELAY", scan.delay),
        ] {
            let expected = last(name, items, bytes)
            try expectEqual(
                found.isEmpty ? nil : found, expected, "the scan's range of \(name)")
        }
        try expectEqual(
            scan.isTerminated, bytes.last ?? 2 == 2, "whether properties are terminated")
        // The store takes out whatever begins so, whether RocketMQ would read an item or not.
        let reserved = Array("__CRC32#".utf8)
        try expectEqual(
            scan.hasChecksum, bytes.split(separator: 2).contains { $0.starts(with: reserved) },
            "whether an item begins like the checksum")
        try expectEqual(
            scan.isKeyed, last("KEYS", items, bytes) ?? last("UNIQ_KEY", items, bytes) != nil,
            "whether the message has keys")
    }

    private static func checkSummary(
        _ summary: PropertySummary, _ scan: PropertyScan, _ bytes: [UInt8]
    ) throws(FuzzFinding) {
        try expectEqual(summary.tagsHash, hash(Array(bytes[scan.tags])), "the hash of the tags")
        var flags: PropertyFlags = []
        if scan.isKeyed { flags.insert(.keyed) }
        if scan.hasChecksum { flags.insert(.checksum) }
        if !scan.isTerminated { flags.insert(.open) }
        try expectEqual(summary.flags, flags, "what the summary says of keys, checksum and end")
    }

    /// Item by item: ends at 02, name up to the first 01, neither part empty.
    private static func split(_ bytes: [UInt8]) -> [Item] {
        var items: [Item] = []
        var start = 0
        for end in 0...bytes.count where end == bytes.count || bytes[end] == 2 {
            let item = start..<end
            start = end + 1
            guard let separator = bytes[item].firstIndex(of: 1), separator > item.lowerBound,
                separator + 1 < item.upperBound
            else { continue }
            items.append(
                Item(
                    name: item.lowerBound..<separator, value: separator + 1..<item.upperBound))
        }
        return items
    }

    private static func last(_ name: String, _ items: [Item], _ bytes: [UInt8]) -> Range<Int>? {
        items.last { bytes[$0.name].elementsEqual(name.utf8) }?.value
    }

    /// Through a String, with surrogate halves replaced before as Java's decoder does it.
    private static func hash(_ bytes: [UInt8]) -> Int32 {
        var valid: [UInt8] = []
        var offset = 0
        func isFollowing(_ place: Int) -> Bool {
            place < bytes.count && bytes[place] & 0xC0 == 0x80
        }
        while offset < bytes.count {
            let isHalf =
                bytes[offset] == 0xED && isFollowing(offset + 1) && bytes[offset + 1] >= 0xA0
            if isHalf {
                valid += [0xEF, 0xBF, 0xBD]
                offset += isFollowing(offset + 2) ? 3 : 2
            } else {
                valid.append(bytes[offset])
                offset += 1
            }
        }
        return String(decoding: valid, as: UTF8.self).utf16
            .reduce(Int32(0)) { $0 &* 31 &+ Int32($1) }
    }
}
