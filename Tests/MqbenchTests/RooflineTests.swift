// The loops in C that figures are held against do the whole work, and do it right.

import ApusFormat
import CRoofline
import Foundation
import Testing

/// A message for the C loops, with the memory that it points to.
private final class Message {
    var fields = croofline_message()
    let topic: [UInt8]
    let properties: [UInt8]
    let bodies: [[UInt8]]
    private let memory: UnsafeMutablePointer<UInt8>

    init(topic: String, properties: String, bodyByteCount: Int, kinds: Int) {
        self.topic = Array(topic.utf8)
        self.properties = Array(properties.utf8)
        bodies = (0..<kinds).map { kind in
            (0..<bodyByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ kind &* 7) }
        }
        let all = bodies.flatMap { $0 } + self.topic + self.properties
        memory = .allocate(capacity: max(1, all.count))
        memory.initialize(from: all, count: all.count)
        fields.bodies = UnsafePointer(memory)
        fields.body_bytes = Int32(bodyByteCount)
        fields.body_kinds = Int32(kinds)
        fields.topic = UnsafePointer(memory + bodyByteCount * kinds)
        fields.topic_bytes = Int32(self.topic.count)
        fields.properties = fields.topic + self.topic.count
        fields.properties_bytes = Int32(self.properties.count)
        fields.queue_id = 3
        fields.flag = 5
        fields.born_host = 0x0A00_0001
        fields.born_port = 40_000
        fields.store_host = 0x0A00_0002
        fields.store_port = 10_911
        fields.reconsume_times = 2
        fields.born_timestamp = 1_700_000_000_000
        fields.prepared_transaction_offset = 77
        fields.tags_code = TagsCode.code(tags: Array("TagA".utf8).span.bytes)
    }

    deinit { memory.deallocate() }

    /// One of 217 bytes.
    static var usual: Message {
        Message(
            topic: "TopicTest0123456", properties: "TAGS\u{1}TagA\u{2}", bodyByteCount: 100,
            kinds: 3)
    }
}

/// A log in memory of small segments and queue files.
private final class Log {
    var fields = croofline_log()
    let segmentByteCount: Int
    let segments: [UnsafeMutablePointer<UInt8>?]
    let queue: [UnsafeMutablePointer<UInt8>?]
    private var arrays: [UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>] = []

    init(segmentByteCount: Int, segmentCount: Int, queueFileUnits: Int, queueFileCount: Int) {
        self.segmentByteCount = segmentByteCount
        func pieces(_ count: Int, _ byteCount: Int) -> [UnsafeMutablePointer<UInt8>?] {
            (0..<count).map { _ in
                let piece = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCount)
                piece.initialize(repeating: 0, count: byteCount)
                return piece
            }
        }
        segments = pieces(segmentCount, segmentByteCount)
        queue = pieces(queueFileCount, queueFileUnits * 20)
        fields.segments = array(segments, byteCount: segmentByteCount)
        fields.queue = array(queue, byteCount: queueFileUnits * 20)
    }

    private func array(
        _ pieces: [UnsafeMutablePointer<UInt8>?], byteCount: Int
    ) -> croofline_pieces {
        let memory = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
            .allocate(capacity: pieces.count)
        memory.initialize(from: pieces, count: pieces.count)
        arrays.append(memory)
        return croofline_pieces(
            starts: UnsafePointer(memory), count: Int64(pieces.count), bytes: Int64(byteCount))
    }

    func segment(_ index: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: segments[index], count: segmentByteCount))
    }

    deinit {
        for piece in segments + queue { piece?.deallocate() }
        for array in arrays { array.deallocate() }
    }
}

@Test("the C loop writes the same bytes as the encoder", arguments: [0, 1, 63, 64, 128, 1024])
func recordsAreEqual(bodyByteCount: Int) {
    let message = Message(
        topic: "TopicTest0123456", properties: "TAGS\u{1}TagA\u{2}", bodyByteCount: bodyByteCount,
        kinds: 1)
    let frame = RecordFrame(
        version: .v1, systemFlag: [], bodyLength: bodyByteCount,
        topicLength: message.topic.count, propertiesLength: message.properties.count)
    let body = message.bodies[0]
    let topic = message.topic
    let properties = message.properties
    let fields = RecordFields(
        queueID: 3, flag: 5, queueOffset: 9, physicalOffset: 4_096,
        bornTimestamp: 1_700_000_000_000, bornHost: HostAddress(ipv4: 0x0A00_0001, port: 40_000),
        storeTimestamp: 1_700_000_000_001, storeHost: HostAddress(ipv4: 0x0A00_0002, port: 10_911),
        reconsumeTimes: 2, preparedTransactionOffset: 77,
        bodyChecksum: CRC32.stored(body.span.bytes))
    var expected = [UInt8](repeating: 0, count: frame.totalSize)
    var span = expected.mutableSpan
    var raw = span.mutableBytes
    RecordEncoder.encode(
        fields, frame: frame, topic: topic.span.bytes,
        properties: properties.span.bytes, body: body.span.bytes, appendsChecksum: false,
        into: &raw, at: 0)

    var written = [UInt8](repeating: 0, count: frame.totalSize)
    let count = croofline_encode(
        &written, &message.fields, message.fields.bodies, 4_096, 9, 1_700_000_000_001)
    #expect(count == Int64(frame.totalSize))
    #expect(croofline_record_bytes(&message.fields) == Int64(frame.totalSize))
    #expect(written == expected)
}

private func checksum(_ body: [UInt8]) -> Int32 { CRC32.stored(body.span.bytes) }

/// Every record of `log` by inspection, in order of the log.
private func records(of log: Log) -> [RecordFields] {
    var found: [RecordFields] = []
    for index in log.segments.indices {
        let bytes = log.segment(index)
        var at = 0
        scan: while at < bytes.count {
            let position = Int64(index * log.segmentByteCount + at)
            switch RecordInspection.inspect(
                bytes.span.bytes, at: at, physicalOffset: position, checks: .all)
            {
            case .record(let frame):
                found.append(frame.fields(in: bytes.span.bytes, at: at))
                at += frame.totalSize
            case .padding, .end: break scan
            case .damaged(let damage):
                Issue.record("at \(position): \(damage)")
                break scan
            }
        }
    }
    return found
}

private func unit(_ log: Log, _ number: Int, perFile units: Int) -> ConsumeQueueUnit {
    let file = UnsafeBufferPointer(start: log.queue[number / units], count: units * 20)
    return ConsumeQueueUnit(loadingFrom: Array(file).span.bytes, at: number % units * 20)
}

@Test("the C loop fills segments and queue files as a store does, and stops when they are full")
func loopRolls() {
    let message = Message.usual
    let log = Log(segmentByteCount: 4_096, segmentCount: 3, queueFileUnits: 10, queueFileCount: 9)
    // 217 bytes a record: 18 in a segment of 4,096 bytes, with room for the blank marker.
    #expect(croofline_append(&log.fields, &message.fields, 50, 1) == 50)
    #expect(log.fields.position == 2 * 4_096 + 14 * 217 && log.fields.queue_offset == 50)
    #expect(croofline_append(&log.fields, &message.fields, 50, 1) == 4)
    let found = records(of: log)
    #expect(found.map(\.queueOffset) == Array(0..<54))
    for (index, record) in found.enumerated() {
        let checksum = checksum(message.bodies[index % 50 % 3])
        #expect(record.bodyChecksum == checksum)
        let expected = ConsumeQueueUnit(
            physicalOffset: record.physicalOffset, size: 217, tagsCode: message.fields.tags_code)
        #expect(unit(log, index, perFile: 10) == expected)
    }
    #expect(croofline_walk(&log.fields, 0, 54) == 54)
    log.segments[1]?[100] ^= 1
    #expect(croofline_walk(&log.fields, 0, 54) == 53)
}

@Test("with many queues the C loop draws one for each message, and stops when it is full")
func loopDraws() {
    let message = Message.usual
    let log = Log(
        segmentByteCount: 128 << 10, segmentCount: 1, queueFileUnits: 1, queueFileCount: 1)
    var areas = [UInt8](repeating: 0, count: 7 * 1_000)
    var offsets = [Int64](repeating: 0, count: 7)
    var expected = [Int64](repeating: 0, count: 7)
    func append(from first: Int64, _ count: Int64) -> Int64 {
        areas.withUnsafeMutableBufferPointer { areas in
            offsets.withUnsafeMutableBufferPointer { offsets in
                var queues = croofline_queues(
                    areas: areas.baseAddress!, bytes: 1_000, count: 7,
                    offsets: offsets.baseAddress!)
                return croofline_append_queues(
                    &log.fields, &queues, &message.fields, first, count, 1)
            }
        }
    }
    #expect(append(from: 40, 200) == 200)
    for (index, record) in records(of: log).enumerated() {
        let queue = Int(croofline_queue(Int64(40 + index), 7))
        #expect(record.queueOffset == expected[queue])
        let unit = ConsumeQueueUnit(
            loadingFrom: areas.span.bytes, at: queue * 1_000 + Int(expected[queue]) * 20)
        #expect(unit.physicalOffset == record.physicalOffset && unit.size == 217)
        expected[queue] += 1
    }
    #expect(offsets == expected && expected.allSatisfy { $0 > 10 && $0 < 50 })
    // An area has room for 50 entries; the segment has it for 600 records.
    #expect(append(from: 240, 300) < 300 && offsets.max() == 50)
}

@Test("two threads with a fetch-add leave a whole log")
func sharedLoopIsWhole() {
    let message = Message.usual
    let log = Log(
        segmentByteCount: 64 << 10, segmentCount: 4, queueFileUnits: 400, queueFileCount: 4)
    // Safe: the threads share the log as the C function allows, and it outlives them.
    nonisolated(unsafe) let shared = (log: log, message: message)
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
        let done = withUnsafeMutablePointer(to: &shared.log.fields) { log in
            croofline_append_shared(log, &shared.message.fields, 600)
        }
        #expect(done == 600)
    }
    #expect(log.fields.queue_offset == 1_200)
    #expect(records(of: log).map(\.queueOffset) == Array(0..<1_200))
    #expect(croofline_walk(&log.fields, 0, 1_200) == 1_200)
}

@Test("the C lookup finds the message with the key, and none for a key that is not there")
func lookupFinds() {
    let log = Log(
        segmentByteCount: 64 << 10, segmentCount: 1, queueFileUnits: 100, queueFileCount: 1)
    var positions: [Int64] = []
    let keys = ["alpha", "beta gamma", "Aa", "BB"]
    for key in keys {
        let message = Message(
            topic: "T", properties: "KEYS\u{1}\(key)\u{2}", bodyByteCount: 70, kinds: 1)
        positions.append(log.fields.position)
        #expect(croofline_append(&log.fields, &message.fields, 1, 1) == 1)
    }
    // One slot, so that all entries are in one chain: 1 alpha, 2 beta, 3 gamma, 4 Aa, 5 BB.
    let words = [("alpha", 0), ("beta", 1), ("gamma", 1), ("Aa", 2), ("BB", 3)]
    var index = [UInt8](repeating: 0, count: 40 + 4 + 20 * 6)
    func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        withUnsafeBytes(of: value.bigEndian) { bytes in
            for (place, byte) in bytes.enumerated() { index[offset + place] = byte }
        }
    }
    for (number, (word, message)) in words.enumerated() {
        let entry = 44 + 20 * (number + 1)
        let hash = IndexKey.hash(
            topic: Array("T".utf8).span.bytes, key: Array(word.utf8).span.bytes)
        put(hash, at: entry)
        put(positions[message], at: entry + 4)
        put(Int32(number), at: entry + 16)
    }
    put(Int32(words.count), at: 40)
    func lookup(_ key: String) -> Int64 {
        let text = Array("T#\(key)".utf8)
        return index.withUnsafeBufferPointer { bytes in
            var fields = croofline_index(bytes: bytes.baseAddress, slots: 1, entries: 6)
            return croofline_lookup(
                &fields, &log.fields, text, Int64(text.count), Int64(key.utf8.count))
        }
    }
    // "Aa" and "BB" have one hash: only the key itself tells them apart.
    for (word, message) in words { #expect(lookup(word) == positions[message], "\(word)") }
    #expect(lookup("delta") == -1 && lookup("alph") == -1)
}

@Test("a copy fills the segments and nothing else")
func copyFills() {
    let log = Log(segmentByteCount: 4_096, segmentCount: 2, queueFileUnits: 1, queueFileCount: 1)
    let source = (0..<400).map { UInt8(truncatingIfNeeded: $0 / 200 + 1) }
    #expect(croofline_copy(&log.fields, source, 200, 2, 1_000) == 40)
    let first = log.segment(0)
    #expect(Array(first[0..<200]) == Array(source[0..<200]))
    #expect(Array(first[200..<400]) == Array(source[200..<400]))
    #expect(first[4_000...].allSatisfy { $0 == 0 })
    #expect(croofline_sum(source, 7) == 7)
    // Each lane of eight bytes, modulo 2 to the 64th.
    let words = stride(from: 0, to: 384, by: 8).map { at in
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(source[at + $1]) << UInt64(8 * $1) }
    }
    let tail = source[384...].reduce(UInt64(0)) { $0 + UInt64($1) }
    #expect(croofline_sum(source, 400) == words.reduce(0, &+) &+ tail)
}
