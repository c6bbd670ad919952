// Records as a broker hands them out, made by hand.

import ApusFormat
import Testing

/// A record. `codec` compresses its body; `mark` only says so.
func makeRecord(
    topic: String, body: String = "hello", properties: [(String, String)] = [],
    storeHost: String = "127.0.0.1:10911", codec: BodyCodec? = nil, markedAs mark: BodyCodec? = nil
) throws -> [UInt8] {
    let plain = Array(body.utf8)
    let stored = try codec.map { try BodyCompression.encode(plain.rawSpan, codec: $0) } ?? plain
    let name = Array(topic.utf8)
    let encoded = Properties.encode(properties.map { Property(name: $0.0, value: $0.1) })
    let flag = (mark ?? codec).map { SystemFlag().withCompression(number: $0.rawValue) } ?? []
    let frame = RecordFrame(
        version: .v1, systemFlag: flag, bodyLength: stored.count, topicLength: name.count,
        propertiesLength: encoded.count)
    let fields = RecordFields(
        queueID: 0, systemFlag: flag, storeHost: try #require(HostAddress(ipv4Text: storeHost)),
        bodyChecksum: CRC32.stored(stored.rawSpan))
    var bytes = [UInt8](repeating: 0, count: frame.totalSize)
    var target = bytes.mutableRawSpan
    RecordEncoder.encode(
        fields, frame: frame, topic: name.rawSpan, properties: encoded.rawSpan,
        body: stored.rawSpan, appendsChecksum: false, into: &target, at: 0)
    return bytes
}
