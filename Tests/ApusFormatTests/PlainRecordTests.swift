// The short way through an inspection, held against the way that takes all records.

import ApusFormat
import Testing

/// A record of random parts at 4096 in the log, and what may stand behind it. Some have a host of
/// 16 bytes or a checksum of their own.
private func randomRecord(using random: inout SeededGenerator) -> (bytes: [UInt8], isPlain: Bool) {
    func some(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: 1...255, using: &random) }
    }
    let isPlain = Int.random(in: 0..<4, using: &random) > 0
    let hasChecksum = !isPlain && Bool.random(using: &random)
    let flag: SystemFlag = isPlain || hasChecksum ? [] : [.bornHostIPv6]
    let topic = some(.random(in: 1...20, using: &random))
    let body = some(.random(in: 0...300, using: &random))
    let properties = some(.random(in: 0...60, using: &random)) + [2]
    let frame = RecordFrame(
        version: .v1, systemFlag: flag, bodyLength: body.count, topicLength: topic.count,
        propertiesLength: properties.count + (hasChecksum ? ChecksumProperty.byteCount : 0))
    let born =
        flag.isEmpty
        ? HostAddress(ipv4: 0x0A01_0203, port: 1)
        : HostAddress(high: 1, low: random.next(), port: 2)
    let fields = RecordFields(
        queueID: 3, queueOffset: 7, physicalOffset: 4096, systemFlag: flag, bornHost: born,
        bodyChecksum: CRC32.stored(body.rawSpan))
    let record = stored(frame.totalSize) {
        RecordEncoder.encode(
            fields, frame: frame, topic: topic.rawSpan, properties: properties.rawSpan,
            body: body.rawSpan, appendsChecksum: hasChecksum, into: &$0, at: 0)
    }
    return (record + some(.random(in: 0...40, using: &random)), isPlain)
}

@Test("the short way finds what the long way finds, or nothing, whatever bytes are changed")
func shortWayAgrees() {
    var random = SeededGenerator(for: "shortWayAgrees")
    var found = 0
    for _ in 0..<20_000 {
        var (record, isPlain) = randomRecord(using: &random)
        let checks = RecordChecks(rawValue: .random(in: 0..<32, using: &random))
        // Where lengths are, more often than by chance.
        let changes = Int.random(in: 0...2, using: &random)
        for _ in 0..<changes {
            let place = [0..<8, 28..<40, 84..<88, 88..<record.count].randomElement(using: &random)
            let at = (place ?? 0..<1).randomElement(using: &random) ?? 0
            record[at] = [0, 1, 0x7F, 0xFF, record[at] ^ 1].randomElement(using: &random) ?? 0
        }
        if Bool.random(using: &random) {
            record.removeLast(.random(in: 0...min(record.count, 120), using: &random))
        }
        let long = RecordInspection.inspectAny(
            record.rawSpan, at: 0, physicalOffset: 4096, checks: checks)
        let both = RecordInspection.inspect(
            record.rawSpan, at: 0, physicalOffset: 4096, checks: checks)
        #expect(both == long)
        let short = RecordInspection.plainFrame(
            of: record.rawSpan, at: 0, physicalOffset: 4096, checks: checks)
        if let short {
            #expect(long == .record(short))
            found += 1
        } else if changes == 0, isPlain, checks.isSubset(of: .all), case .record = long {
            Issue.record("a plain record went the long way")
        }
    }
    #expect(found > 1_000)
}

@Test("the short way leaves what lies outside of the bytes, and looks at none of it")
func shortWayStaysWithin() throws {
    var random = SeededGenerator(for: "shortWayStaysWithin")
    var (record, isPlain) = randomRecord(using: &random)
    while !isPlain { (record, isPlain) = randomRecord(using: &random) }
    let whole = RecordInspection.plainFrame(
        of: record.rawSpan, at: 0, physicalOffset: 4096, checks: .all)
    let frame = try #require(whole)
    for offset in [Int.min, -1, record.count - 90, record.count, Int.max] {
        let outside = RecordInspection.plainFrame(
            of: record.rawSpan, at: offset, physicalOffset: 4096, checks: .all)
        #expect(outside == nil)
    }
    for count in 0..<record.count {
        // Memory of its own, so that a sanitizer sees what reaches beyond it.
        let cut = Array(record[..<count])
        let short = RecordInspection.plainFrame(
            of: cut.rawSpan, at: 0, physicalOffset: 4096, checks: .all)
        let long = RecordInspection.inspectAny(
            cut.rawSpan, at: 0, physicalOffset: 4096, checks: .all)
        #expect((short == nil) == (count < frame.totalSize))
        if let short { #expect(long == .record(short)) }
    }
}
