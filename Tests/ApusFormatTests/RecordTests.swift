// Records against bytes that RocketMQ's own classes wrote.

import ApusFormat
import Testing

private let version1 = bytes(
    hex: """
        0000007cdaa320a769c865ed000000030000000000000000000000070000000000001000000000000000018b
        cfe568000a00000100009c400000018bcfe568010a00000200002a9f0000000000000000000000000000000e
        48656c6c6f20526f636b65744d5109546f70696354657374000a54414753015461674102
        """)

private let version2 = bytes(
    hex: """
        000000a0daa320ab69c865ed000000030000000000000000000000070000000000001000000000300000018b
        cfe5680020010db800000000000000000000000100009c400000018bcfe5680120010db80000000000000000
        0000000200002a9f0000000200000000000000000000000e48656c6c6f20526f636b65744d510009546f70
        69635465737400154b455953016b31206b320254414753015461674102
        """)

private func inspectedFrame(of record: [UInt8], checks: RecordChecks = .all) -> RecordFrame? {
    let outcome = RecordInspection.inspect(
        record.span.bytes, at: 0, physicalOffset: 4096, checks: checks)
    guard case .record(let frame) = outcome else { return nil }
    return frame
}

private func encode(
    _ fields: RecordFields, frame: RecordFrame, from record: [UInt8], appendsChecksum: Bool
) -> [UInt8] {
    guard let source = Frame(record) else { return [] }
    return stored(frame.totalSize) {
        RecordEncoder.encode(
            fields, frame: frame, topic: source.topic.span.bytes,
            properties: source.properties.span.bytes, body: source.body.span.bytes,
            appendsChecksum: appendsChecksum, into: &$0, at: 0)
    }
}

/// The variable parts of a record, copied out.
private struct Frame {
    let topic: [UInt8]
    let properties: [UInt8]
    let body: [UInt8]

    init?(_ record: [UInt8]) {
        guard let frame = inspectedFrame(of: record) else { return nil }
        func part(_ offset: Int, _ count: Int) -> [UInt8] {
            Array(record[offset..<offset + count])
        }
        topic = part(frame.topicOffset, frame.topicLength)
        properties = part(frame.propertiesOffset, frame.propertiesLength)
        body = part(frame.bodyOffset, frame.bodyLength)
    }
}

@Test("a record of either version reads back and encodes to the same bytes")
func recordsRoundTrip() throws {
    for record in [version1, version2] {
        let frame = try #require(inspectedFrame(of: record))
        let fields = frame.fields(in: record.span.bytes)
        #expect(frame.totalSize == record.count)
        #expect(fields.queueID == 3)
        #expect(fields.queueOffset == 7)
        #expect(fields.physicalOffset == 4096)
        #expect(fields.bornTimestamp == 1_700_000_000_000)
        #expect(fields.storeTimestamp == 1_700_000_000_001)
        #expect(Frame(record)?.topic == Array("TopicTest".utf8))
        #expect(Frame(record)?.body == Array("Hello RocketMQ".utf8))
        #expect(encode(fields, frame: frame, from: record, appendsChecksum: false) == record)
    }
}

@Test("hosts read as RocketMQ prints them")
func hostsRead() throws {
    let first = try #require(inspectedFrame(of: version1)).fields(in: version1.span.bytes)
    #expect("\(first.bornHost)" == "10.0.0.1:40000")
    #expect("\(first.storeHost)" == "10.0.0.2:10911")
    #expect(HostAddress(ipv4Text: "10.0.0.2:10911") == first.storeHost)
    let second = try #require(inspectedFrame(of: version2)).fields(in: version2.span.bytes)
    #expect("\(second.storeHost)" == "[2001:db8:0:0:0:0:0:2]:10911")
}

@Test("the whole-record checksum has RocketMQ's digits, last first")
func checksumProperty() throws {
    let plain = try #require(inspectedFrame(of: version1))
    let longer = RecordFrame(
        version: .v1, systemFlag: [], bodyLength: plain.bodyLength,
        topicLength: plain.topicLength,
        propertiesLength: plain.propertiesLength + ChecksumProperty.byteCount)
    let fields = plain.fields(in: version1.span.bytes)
    let record = encode(fields, frame: longer, from: version1, appendsChecksum: true)
    #expect(record.suffix(20) == bytes(hex: "5f5f435243333223013532333932333731333002")[...])
    #expect(
        ChecksumProperty.verify(
            record: record.span.bytes, propertiesLength: longer.propertiesLength) == true)
}

@Test("with the whole-record checksum a flipped bit anywhere is noticed")
func flippedBits() throws {
    let plain = try #require(inspectedFrame(of: version1))
    let longer = RecordFrame(
        version: .v1, systemFlag: [], bodyLength: plain.bodyLength,
        topicLength: plain.topicLength,
        propertiesLength: plain.propertiesLength + ChecksumProperty.byteCount)
    let record = encode(
        plain.fields(in: version1.span.bytes), frame: longer, from: version1, appendsChecksum: true)
    let checks: RecordChecks = [.all, .recordChecksumRequired]
    #expect(inspectedFrame(of: record, checks: checks) == longer)
    for position in record.indices {
        for bit in 0..<8 {
            var flipped = record
            flipped[position] ^= 1 << UInt8(bit)
            #expect(
                inspectedFrame(of: flipped, checks: checks) == nil, "byte \(position), bit \(bit)")
        }
    }
}

@Test("without it, a flip in size, magic, checksum, position, lengths or body is noticed")
func flippedFields() {
    let covered = [0..<12, 28..<36, 84..<102, 102..<103, 112..<114].flatMap { Array($0) }
    for position in covered {
        var flipped = version1
        flipped[position] ^= 0x11
        #expect(inspectedFrame(of: flipped) == nil, "byte \(position)")
    }
}

@Test("zeros end a log, a blank marker fills a file, and a cut record is damage")
func otherOutcomes() {
    func inspect(_ bytes: [UInt8]) -> RecordOutcome {
        RecordInspection.inspect(bytes.span.bytes, at: 0, physicalOffset: 4096, checks: .all)
    }
    #expect(inspect([UInt8](repeating: 0, count: 200)) == .end)
    #expect(inspect(bytes(hex: "0000000ccbd4319400000000")) == .padding(byteCount: 12))
    #expect(
        inspect(bytes(hex: "0000000dcbd4319400000000")) == .damaged(.paddingOutOfBounds(13)))
    for count in 8..<version1.count {
        #expect(
            inspect(Array(version1.prefix(count))) == .damaged(.sizeOutOfBounds(124)))
    }
}

@Test("no bytes make an inspection trap")
func hostileBytes() {
    var random = SeededGenerator(for: "hostileBytes")
    for _ in 0..<20_000 {
        var record = version2
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            record[Int.random(in: 8..<record.count, using: &random)] =
                UInt8.random(in: 0...255, using: &random)
        }
        _ = inspectedFrame(of: record)
    }
}

@Test("a ConsumeQueue entry stands in 20 bytes")
func consumeQueueUnit() {
    let unit = ConsumeQueueUnit(physicalOffset: 4096, size: 124, tagsCode: -2)
    let entry = stored(20) { unit.store(into: &$0, at: 0) }
    #expect(entry == bytes(hex: "00000000000010000000007cfffffffffffffffe"))
    #expect(ConsumeQueueUnit(loadingFrom: entry.span.bytes, at: 0) == unit)
    #expect(ConsumeQueueUnit.filler.isFiller && ConsumeQueueUnit.filler.isWritten)
}
