// Texts and the values that they spell: addresses, ids, names of files and topics.

import ApusFormat
import ApusStore

enum NamesTarget {
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        let text = String(decoding: input, as: UTF8.self)
        if let host = HostAddress(ipv4Text: text) {
            try expectEqual(
                HostAddress(ipv4Text: host.description), host, "an address as text and back")
        }
        if let id = OffsetMessageID(text) {
            try expectEqual(id.text, text.uppercased(), "an offset message id as text")
        }
        if let id = UniqueID(text) {
            try expectEqual(id.text, text.uppercased(), "a unique id as text")
        }
        if let number = IndexFileName.number(text) {
            try expectEqual(IndexFileName.name(number: number), text, "the name of an IndexFile")
        }
        if let offset = StoreDirectory.offset(ofFileName: text) {
            try expectEqual(StoreDirectory.fileName(offset), text, "the name of a file")
        }
        let isTopic = (try? StoreDirectory.validate(topic: text)) != nil
        let isSafe =
            !text.isEmpty && text.utf8.count <= 255 && !text.contains("/")
            && !text.contains(".") && !text.utf8.contains(0)
        try expect(!isTopic || isSafe, "a topic that is no name of a folder: \(text)")
        try values(input)
    }

    /// The other way: any value has a text that reads back.
    private static func values(_ input: [UInt8]) throws(FuzzFinding) {
        var reader = ByteReader(input)
        let isIPv6 = reader.byte() & 1 != 0
        let bytes = reader.padded(20)
        let host = HostAddress(loadingFrom: bytes.rawSpan, at: 0, isIPv6: isIPv6)
        var stored = [UInt8](repeating: 0xEE, count: host.byteCount)
        var span = stored.mutableRawSpan
        host.store(into: &span, at: 0)
        try expect(stored == Array(bytes.prefix(host.byteCount)), "a host that is stored differs")
        try expect(host.byteCount == (isIPv6 ? 20 : 8), "the length of a host")
        if !isIPv6, host.port >= 0, host.port < 65_536 {
            try expectEqual(HostAddress(ipv4Text: host.description), host, "a host as text")
        }
        let place = OffsetMessageID(storeHost: host, physicalOffset: reader.integer())
        try expectEqual(OffsetMessageID(place.text), place, "an offset message id as text")
        let unique = UniqueID(
            host: host, processID: reader.integer(), instance: reader.integer(),
            millisecondsOfMonth: reader.integer(), counter: reader.integer())
        try expectEqual(UniqueID(unique.text), unique, "a unique id as text")
        let now = reader.integer(Int64.self)
        let offset = reader.integer(Int32.self)
        let made = unique.milliseconds(before: now, secondsFromUTC: offset)
        let farthest = Int64.max / 8
        let shortestMonth: UInt32 = 28 * 86_400_000
        try expect(
            made < now || abs(now / 2) > farthest || unique.millisecondsOfMonth >= shortestMonth,
            "an id is made before it is read")
        let next = UniqueIDGenerator(host: host, processID: 7, instance: 1)
            .next(milliseconds: now, secondsFromUTC: offset)
        try expect(UniqueID(next) != nil, "a generated id reads back: \(next)")
    }
}
