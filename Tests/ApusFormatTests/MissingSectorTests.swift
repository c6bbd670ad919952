// A record that a power cut left unfinished: sectors of it were never written and read as zeros.

import Testing

@testable import ApusFormat

/// A record in a file of four sectors.
private func file(
    at position: Int, topic: String, properties: String, body: Int
) -> (bytes: [UInt8], frame: RecordFrame) {
    let frame = RecordFrame(
        version: .v1, systemFlag: [], bodyLength: body, topicLength: topic.utf8.count,
        propertiesLength: properties.utf8.count)
    let content = [UInt8](repeating: 0x55, count: body)
    let fields = RecordFields(
        queueID: 1, queueOffset: 2, physicalOffset: 4096, systemFlag: [], bornTimestamp: 3,
        bornHost: .loopback(port: 1), storeTimestamp: 4, storeHost: .loopback(port: 2),
        reconsumeTimes: 0, preparedTransactionOffset: 0, bodyChecksum: CRC32.stored(content.rawSpan)
    )
    var bytes = [UInt8](repeating: 0, count: 2048)
    var target = bytes.mutableRawSpan
    RecordEncoder.encode(
        fields, frame: frame, topic: Array(topic.utf8).rawSpan,
        properties: Array(properties.utf8).rawSpan, body: content.rawSpan, appendsChecksum: false,
        into: &target, at: position)
    return (bytes, frame)
}

private func isRecord(_ bytes: [UInt8], at position: Int, _ checks: RecordChecks) -> Bool {
    let outcome = RecordInspection.inspect(
        bytes.rawSpan, at: position, physicalOffset: 4096, checks: checks)
    if case .record = outcome { return true }
    return false
}

@Test(
    "a sector that was never written ends a record, wherever the record lies in its sectors",
    arguments: [("Topic", ""), ("Topic", "KEYS\u{1}k"), ("T", "TAGS\u{1}t\u{2}KEYS\u{1}a b c")])
func missingSectors(topic: String, properties: String) {
    let checks: RecordChecks = [.all, .writtenSectors]
    var wasNeeded = false
    for body in [0, 1, 30] {
        for position in 0..<1024 {
            let (whole, _) = file(at: position, topic: topic, properties: properties, body: body)
            #expect(isRecord(whole, at: position, checks), "whole, at \(position)")
            for sector in stride(from: 0, to: 2048, by: 512) {
                var torn = whole
                for byte in sector..<sector + 512 { torn[byte] = 0 }
                guard torn != whole else { continue }
                #expect(!isRecord(torn, at: position, checks), "\(sector) missing, at \(position)")
                wasNeeded = wasNeeded || isRecord(torn, at: position, .all)
            }
        }
    }
    #expect(wasNeeded, "the other checks do not see all of it")
}

@Test("properties with zeros in them are a record all the same")
func zerosInProperties() {
    let properties = "a\u{1}\u{0}\u{0}b\u{0}\u{2}"
    for position in 0..<512 {
        let (whole, frame) = file(at: position, topic: "T", properties: properties, body: 10)
        let end = position + frame.totalSize
        // Unless a sector holds nothing else of them: see docs/durability.md.
        let tail = whole[(end - 1) / 512 * 512..<end]
        guard tail.contains(where: { $0 != 0 }) else { continue }
        #expect(isRecord(whole, at: position, [.all, .writtenSectors]), "at \(position)")
    }
}
