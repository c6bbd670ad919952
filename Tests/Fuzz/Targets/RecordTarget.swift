// Records: any bytes are inspected, and any parts are encoded and must inspect as what they are.
//
// First byte: bits 0 to 3 the checks, bit 4 the stored position is mended, bit 5 the body's CRC is,
// bit 6 the record is made from parts instead.

import ApusFormat
import ApusStore

enum RecordTarget {
    static func run(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount > 1 else { return }
        let options = input.loadBigEndian(UInt8.self, at: 0)
        let raw = input.extracting(1..<input.byteCount)
        if options & 64 != 0 { return try encode([UInt8](raw), options) }
        try inspect(raw, RecordChecks(rawValue: options & 15))
        for offset in [-1, 1, 2, 3, raw.byteCount - 8, raw.byteCount, .max, .min] {
            _ = RecordInspection.inspect(
                raw, at: offset, physicalOffset: Int64(offset), checks: .all)
        }
        guard options & 48 != 0 else { return }
        var mended = [UInt8](raw)
        guard mended.count >= RecordLayout.minimumSize else { return }
        if options & 16 != 0 { mended.put(Int64(0), at: 28) }
        if options & 32 != 0,
            case .record(let frame) = RecordInspection.inspect(
                mended.rawSpan, at: 0, physicalOffset: 0, checks: [])
        {
            mended.put(CRC32.stored(frame.body(in: mended.rawSpan)), at: 8)
        }
        try inspect(mended.rawSpan, RecordChecks(rawValue: options & 15))
    }

    private static func inspect(_ bytes: RawSpan, _ checks: RecordChecks) throws(FuzzFinding) {
        let copy = [UInt8](bytes)
        let outcome = RecordInspection.inspect(bytes, at: 0, physicalOffset: 0, checks: checks)
        try expectEqual(
            NaiveRecord(outcome), NaiveRecord(copy, physicalOffset: 0, checks: checks),
            "the inspection of a record")
        guard case .record(let frame) = outcome else { return }
        let view = RecordView(bytes, at: 0, frame: frame)
        try expectEqual(view.fields, frame.fields(in: bytes), "the fields of a record in place")
        try expectEqual(
            view.storeTimestamp, view.fields.storeTimestamp, "the store timestamp by itself")
        try expectEqual(view.bytes.byteCount, frame.totalSize, "the bytes of a record in place")
        let again = encoded(
            view.fields, frame, topic: view.topic, properties: view.properties, body: view.body)
        try expect(
            again == Array(copy[..<frame.totalSize]), "a record that is decoded and encoded differs"
        )
        _ = TagsCode.code(tags: view.properties)
        _ = IndexKey.hash(topic: view.topic, key: view.properties)
    }

    private static func encoded(
        _ fields: RecordFields, _ frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, appendsChecksum: Bool = false
    ) -> [UInt8] {
        var target = [UInt8](repeating: 0xEE, count: frame.totalSize)
        var span = target.mutableRawSpan
        RecordEncoder.encode(
            fields, frame: frame, topic: topic, properties: properties, body: body,
            appendsChecksum: appendsChecksum, into: &span, at: 0)
        return target
    }

    /// What an append writes is whole to every reader, whatever the message is.
    private static func encode(_ input: [UInt8], _ options: UInt8) throws(FuzzFinding) {
        var reader = ByteReader(input)
        let appendsChecksum = options & 8 != 0
        let version: RecordVersion = options & 1 == 0 ? .v1 : .v2
        func host(_ isIPv6: Bool) -> HostAddress {
            isIPv6
                ? HostAddress(high: 1 << 63, low: 7, port: -1)
                : HostAddress(ipv4: 0x7F00_0001, port: 10_911)
        }
        let born = host(options & 2 != 0)
        let store = host(options & 4 != 0)
        let flag = SystemFlag(rawValue: reader.integer()).withHosts(born: born, store: store)
        let topic = reader.take(Int(reader.byte()))
        let body = reader.take(Int(reader.byte()))
        let properties = Array(reader.rest().prefix(30_000))
        let scan = PropertyScan(properties.rawSpan)
        // The store takes such an item out before it gets here.
        if scan.hasChecksum { return }
        var length = properties.count
        if appendsChecksum {
            length += ChecksumProperty.byteCount + (scan.isTerminated ? 0 : 1)
        }
        let frame = RecordFrame(
            version: version, systemFlag: flag, bodyLength: body.count, topicLength: topic.count,
            propertiesLength: length)
        let fields = RecordFields(
            queueID: 3, flag: -1, queueOffset: 1 << 40, physicalOffset: 0, systemFlag: flag,
            bornTimestamp: 1, bornHost: born, storeTimestamp: .max, storeHost: store,
            reconsumeTimes: 1, preparedTransactionOffset: -1,
            bodyChecksum: CRC32.stored(body.rawSpan))
        let record = encoded(
            fields, frame, topic: topic.rawSpan, properties: properties.rawSpan,
            body: body.rawSpan, appendsChecksum: appendsChecksum)
        let checks: RecordChecks = appendsChecksum ? [.all, .recordChecksumRequired] : .all
        let outcome = RecordInspection.inspect(
            record.rawSpan, at: 0, physicalOffset: 0, checks: checks)
        try expectEqual(outcome, .record(frame), "the inspection of a record that was encoded")
        try expectEqual(
            NaiveRecord(outcome), NaiveRecord(record, physicalOffset: 0, checks: checks),
            "the plain reading of a record that was encoded")
        try expect(
            frame.fields(in: record.rawSpan) == fields, "the fields come back as they were")
        try expect([UInt8](frame.topic(in: record.rawSpan)) == topic, "the topic comes back")
        try expect([UInt8](frame.body(in: record.rawSpan)) == body, "the body comes back")
        try expect(
            [UInt8](frame.properties(in: record.rawSpan)).starts(with: properties),
            "the properties come back")
    }
}
