// A header that is like the one before it is read in one step, and as it would be without that one.

import ApusFormat
import TestSupport
import Testing

@testable import ApusRemoting

@Suite("a header like the one before") struct HeaderBeforeTests {
    private static let limits = HeaderLimits()
    private static let kinds: [HeaderSerialization] = [.json, .binary]

    private static func send(
        opaque: Int32 = 1000, queue: String = "3", born: String = "1795350725540",
        key: String = "C00002021FBC5FFD2B276ED61BA4001B", topic: String = "Orders",
        _ kind: HeaderSerialization = .json
    ) -> [UInt8] {
        var command = RemotingCommand.request(
            .sendMessageV2,
            fields: [
                "a": "group", "b": topic, "c": "TBW102", "d": "8", "e": queue, "f": "0", "g": born,
                "h": "0", "i": "UNIQ_KEY\u{1}\(key)\u{2}WAIT\u{1}true\u{2}TAGS\u{1}a\u{2}",
                "j": "0", "k": "false", "m": "false", "n": "broker-a",
            ])
        command.language = .java
        command.opaque = opaque
        command.serialization = kind
        return Array(command.frame.dropFirst(8))
    }

    /// What `index` finds in a header, or why it is none.
    private static func read(
        _ header: [UInt8], _ index: inout HeaderIndex, _ kind: HeaderSerialization = .json
    ) -> Result<RemotingCommand, FrameError> {
        do throws(FrameError) {
            try index.read(header.rawSpan, kind, limits)
            let bytes = Samples.frame(header, serialization: kind.rawValue)
            let frame = try Frame(bytes.rawSpan)
            return .success(Request(index, frame).command)
        } catch { return .failure(error) }
    }

    /// Reads `header` behind `first`, and expects what a new index finds.
    private static func expectSame(
        _ header: [UInt8], behind first: [UInt8], _ kind: HeaderSerialization,
        _ comment: Comment? = nil, at place: SourceLocation = #_sourceLocation
    ) {
        var index = HeaderIndex()
        // The first one of all finds no memory for its fields, and is not plain.
        for _ in 0..<2 { _ = read(first, &index, kind) }
        let isKnown = index.before.isAsLong(as: first.rawSpan, kind)
        #expect(isKnown, comment, sourceLocation: place)
        var alone = HeaderIndex()
        let expected = read(header, &alone, kind)
        #expect(read(header, &index, kind) == expected, comment, sourceLocation: place)
        // Nor does it spoil what comes next.
        #expect(
            read(first, &index, kind) == read(first, &alone, kind), comment, sourceLocation: place)
    }

    @Test("is taken over, with its own numbers and values", arguments: kinds)
    func taken(kind: HeaderSerialization) throws {
        var index = HeaderIndex()
        for _ in 0..<2 { try index.read(Self.send(kind).rawSpan, kind, Self.limits) }
        for (number, key) in ["00002021", "FFFFFFFF", "4001B4001"].enumerated() {
            let header = Self.send(
                opaque: 1001 + Int32(number), queue: "\(number)", born: "179535072600\(number)",
                key: String((key + String(repeating: "0", count: 32)).prefix(32)), kind)
            let isLong = index.before.isAsLong(as: header.rawSpan, kind)
            #expect(isLong)
            let opaque = index.before.opaque(of: header.rawSpan)
            #expect(opaque == 1001 + Int32(number))
            Self.expectSame(header, behind: Self.send(kind), kind)
        }
    }

    @Test(
        "is not taken for one when a single byte elsewhere is another, whichever it is",
        arguments: kinds)
    func everyByte(kind: HeaderSerialization) {
        let first = Self.send(kind)
        let others: [UInt8] = [
            0x22, 0x5C, 0x2C, 0x7D, 0x3A, 0x30, 0x39, 0x61, 0x2D, 0x20, 0x00, 0x01, 0xFF,
        ]
        for place in first.indices {
            for byte in others {
                var header = first
                header[place] = byte
                Self.expectSame(header, behind: first, kind, "byte \(place) is \(byte)")
            }
        }
    }

    @Test("is read as any other when two fields share what one of them had", arguments: kinds)
    func shifted(kind: HeaderSerialization) {
        let first = Self.send(kind)
        // As long, and each quote at another place.
        Self.expectSame(Self.send(queue: "12", born: "179535072554", kind), behind: first, kind)
        Self.expectSame(
            Self.send(opaque: 100, queue: kind == .json ? "12" : "1", kind), behind: first, kind)
        Self.expectSame(
            Self.send(key: "", topic: String(repeating: "T", count: 38), kind), behind: first, kind)
    }

    @Test("of any kind, after any other, is read as it is alone")
    func anyPair() {
        var random = SeededNumbers.printed()
        var index = HeaderIndex()
        var known = [(Self.send(), HeaderSerialization.json), (Self.send(.binary), .binary)]
        for _ in 0..<20_000 {
            var (header, kind) = known.randomElement(using: &random) ?? known[0]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = header.indices.randomElement(using: &random) ?? 0
                let digits = Array("0123456789abcXYZ\"\\,:{}[] nul-u01\u{1}".utf8)
                header[place] = digits.randomElement(using: &random) ?? 0
            }
            if Int.random(in: 0..<50, using: &random) == 0 {
                kind = Self.kinds.randomElement(using: &random) ?? .json
                header = Self.send(
                    opaque: Int32.random(in: 0...20_000, using: &random),
                    topic: String(repeating: "t", count: Int.random(in: 1...40, using: &random)),
                    kind)
            }
            var alone = HeaderIndex()
            let expected = Self.read(header, &alone, kind)
            let found = Self.read(header, &index, kind)
            #expect(found == expected)
            if case .success = expected, known.count < 50 { known.append((header, kind)) }
        }
    }

    @Test("is not looked for where values have escapes of other kinds, stand twice, or are many")
    func notRemembered() throws {
        var index = HeaderIndex()
        try index.read(Self.send().rawSpan, .json, Self.limits)
        func isRemembered(_ fields: String) throws -> Bool {
            let text =
                #"{"code":310,"extFields":{"# + fields
                + #"},"flag":0,"language":"JAVA","opaque":7,"#
                + #""serializeTypeCurrentRPC":"JSON","version":479}"#
            let header = Array(text.utf8)
            try index.read(header.rawSpan, .json, Self.limits)
            // The first of its length may be the last.
            let isHasty = index.before.isAsLong(as: header.rawSpan, .json)
            #expect(!isHasty)
            try index.read(header.rawSpan, .json, Self.limits)
            return index.before.isAsLong(as: header.rawSpan, .json)
        }
        #expect(try isRemembered(#""a":"1","i":"x\u0001y\u0002""#))
        #expect(try !isRemembered(#""a":1"#))
        #expect(try !isRemembered(#""a":"\n""#))
        #expect(try !isRemembered(#""a":"1","a":"1""#))
        #expect(try !isRemembered(#""a":"\u0001","b":"\u0002""#))
        #expect(try !isRemembered(#""a":"\#(String(repeating: "x", count: HeaderBefore.limit))""#))
        #expect(try isRemembered(#""a":"1""#))
        #expect(index.before.capacity < 2 * HeaderBefore.limit)
    }
}
