// Every record of two stores that RocketMQ 5.3.3 brokers wrote.

import ApusFormat
import Testing

private func check(
    _ frame: RecordFrame, in file: [UInt8], at position: Int, against message: Manifest.Message
) {
    let bytes = file.rawSpan
    let fields = frame.fields(in: bytes, at: position)
    let topic = file[
        position + frame.topicOffset..<position + frame.topicOffset + frame.topicLength]
    let expected = RecordFields(
        queueID: message.queueId, flag: message.flag, queueOffset: message.queueOffset,
        physicalOffset: message.physicalOffset,
        systemFlag: SystemFlag(rawValue: message.sysFlag),
        bornTimestamp: message.bornTimestamp,
        bornHost: HostAddress(ipv4Text: message.bornHost) ?? .loopback(port: -1),
        storeTimestamp: message.storeTimestamp,
        storeHost: HostAddress(ipv4Text: message.storeHost) ?? .loopback(port: -1),
        reconsumeTimes: message.reconsumeTimes,
        preparedTransactionOffset: message.preparedTransactionOffset,
        bodyChecksum: message.bodyCRC)
    #expect(fields == expected, "record at \(message.physicalOffset)")
    #expect(frame.totalSize == message.storeSize)
    #expect(frame.bodyLength == message.storedBodyLen)
    #expect(String(decoding: topic, as: UTF8.self) == message.topic)
    let properties = Properties.decode(frame.properties(in: bytes, at: position))
    let named = Dictionary(
        properties.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    #expect(named == message.properties)
    let id = OffsetMessageID(storeHost: fields.storeHost, physicalOffset: fields.physicalOffset)
    #expect(id.text == message.offsetMsgId)
}

private func encodeAgain(_ frame: RecordFrame, in file: [UInt8], at position: Int) -> [UInt8] {
    func part(_ offset: Int, _ count: Int) -> [UInt8] {
        Array(file[position + offset..<position + offset + count])
    }
    let topic = part(frame.topicOffset, frame.topicLength)
    let properties = part(frame.propertiesOffset, frame.propertiesLength)
    let body = part(frame.bodyOffset, frame.bodyLength)
    let fields = frame.fields(in: file.rawSpan, at: position)
    return stored(frame.totalSize) {
        RecordEncoder.encode(
            fields, frame: frame, topic: topic.rawSpan, properties: properties.rawSpan,
            body: body.rawSpan, appendsChecksum: false, into: &$0, at: 0)
    }
}

@Test(
    "each record of a golden store is the manifest's, and encodes to the same bytes",
    arguments: GoldenStore.names)
func goldenRecords(name: String) throws {
    let store = try GoldenStore(name)
    let manifest = store.manifest
    var offset: Int64 = 0
    var messages = manifest.messages[...]
    var blanks = manifest.fileEndBlanks[...]
    scan: while true {
        let base = offset / GoldenStore.segmentByteCount * GoldenStore.segmentByteCount
        let file = try #require(store.segments[base])
        let position = Int(offset - base)
        switch RecordInspection.inspect(
            file.rawSpan, at: position, physicalOffset: offset, checks: .all)
        {
        case .record(let frame):
            let next = messages.popFirst()
            let message = try #require(next)
            #expect(message.physicalOffset == offset)
            check(frame, in: file, at: position, against: message)
            let again = encodeAgain(frame, in: file, at: position)
            #expect(again[...] == file[position..<position + frame.totalSize])
            offset += Int64(frame.totalSize)
        case .padding(let count):
            let next = blanks.popFirst()
            let blank = try #require(next)
            #expect(blank.physicalOffset == offset && blank.totalSize == count)
            offset += Int64(count)
        case .end: break scan
        case .damaged(let damage):
            Issue.record("damage at \(offset): \(damage)")
            break scan
        }
    }
    #expect(messages.isEmpty && blanks.isEmpty)
    #expect(offset == manifest.maxPhyOffset)
}
