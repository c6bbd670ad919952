// A store directory made of an input: a small CommitLog of valid records, garbage and what lies
// between, with the marks, queue and index beside it that the input asks for.
//
//     options  mark (12 bytes)  then chunks: a byte that says what, and its own parameters

import ApusFormat
import ApusStore

/// The files of a store to be.
struct SegmentImage {
    static let segmentByteCount = 8192
    static let queueByteCount = 800
    static let slotCount: Int32 = 8
    static let entryCapacity: Int32 = 32
    static let topics = ["T", "%RETRY%g", "SCHEDULE_TOPIC_XXXX"]

    let options: UInt8
    private(set) var log: [UInt8] = []
    private(set) var queue: [UInt8] = []
    private(set) var index: [UInt8] = []
    private var mark: [UInt8]
    private var nextOffsets: [Int64] = [0, 0, 0]
    /// Where records that were made here end, and segments that a blank marker closes.
    private var ends = [0]
    private var blanks: Set<Int> = []

    init(_ input: [UInt8]) {
        var reader = ByteReader(input)
        options = reader.byte()
        mark = reader.padded(12)
        let limit = Self.segmentByteCount * (hasTwoSegments ? 2 : 1)
        while !reader.isAtEnd, log.count < limit { addChunk(&reader) }
        let count = log.count > Self.segmentByteCount ? 2 : 1
        log = Array(log.prefix(limit))
        log += [UInt8](repeating: 0, count: count * Self.segmentByteCount - log.count)
    }

    /// What is said to have been here before.
    enum Origin: UInt8 { case java, javaKilled, apusKilled, apusClosed }
    var origin: Origin { Origin(rawValue: options & 3) ?? .java }
    var cutsUnmarked: Bool { options & 4 != 0 }
    var hasTwoSegments: Bool { options & 8 != 0 }
    var hasQueue: Bool { options & 16 != 0 }
    var hasIndex: Bool { options & 32 != 0 }
    var isSync: Bool { options & 64 != 0 }
    var requiresChecksum: Bool { options & 128 != 0 }

    var configuration: StoreConfiguration {
        var all = StoreConfiguration()
        all.commitLog.segmentByteCount = Self.segmentByteCount
        all.commitLog.populateAheadByteCount = 4096
        all.queues.fileByteCount = Self.queueByteCount
        all.queues.extentByteCount = 400
        all.index.slotCount = Self.slotCount
        all.index.entryCapacity = Self.entryCapacity
        all.recovery.onUnmarkedDamage = cutsUnmarked ? .cut : .refuse
        all.flush.mode = isSync ? .sync : .async
        all.integrity.appendsRecordChecksum = requiresChecksum
        all.integrity.requiresRecordChecksum = requiresChecksum
        all.threads = .manual
        return all
    }

    /// Writes the directory.
    func write(to scratch: FuzzScratch) throws(FuzzFinding) {
        for start in stride(from: 0, to: log.count, by: Self.segmentByteCount) {
            try scratch.write(
                Array(log[start..<start + Self.segmentByteCount]),
                to: "commitlog/\(StoreDirectory.fileName(Int64(start)))")
        }
        if hasQueue {
            var file = Array(queue.prefix(Self.queueByteCount))
            file += [UInt8](repeating: 0, count: Self.queueByteCount - file.count)
            try scratch.write(file, to: "consumequeue/T/0/\(StoreDirectory.fileName(0))")
        }
        if hasIndex {
            let count = IndexLayout.byteCount(
                slotCount: Self.slotCount, entryCapacity: Self.entryCapacity)
            var file = Array(index.prefix(count))
            file += [UInt8](repeating: 0, count: count - file.count)
            try scratch.write(file, to: "index/20200101000000000")
        }
        try writeMarks(to: scratch)
    }

    private func writeMarks(to scratch: FuzzScratch) throws(FuzzFinding) {
        let fields = CheckpointFields(
            commitLogTimestamp: Int64(mark[0]) << 8, queueTimestamp: Int64(mark[1]) << 8,
            indexTimestamp: Int64(mark[2]) << 8)
        let count = Int32(Int16(bitPattern: UInt16(mark[7]) << 8 | UInt16(mark[8])))
        let durable = DurableMark(
            generation: 5, logDurable: place(0), queuesDurable: place(2), indexDurable: place(4),
            indexFileName: mark[6] & 1 == 0 ? 0 : 20_200_101_000_000_000,
            indexEntryCount: count << Int32(mark[9] >> 4), isClean: origin == .apusClosed,
            logMinimum: 0, queueCount: Int32(mark[9] & 3), javaFields: fields, epoch: 3)
        var file = [UInt8](repeating: 0, count: CheckpointLayout.fileByteCount)
        var span = file.mutableRawSpan
        fields.store(into: &span)
        if origin == .apusKilled || origin == .apusClosed {
            var slot = [UInt8](repeating: 0, count: CheckpointLayout.slotByteCount)
            var slotSpan = slot.mutableRawSpan
            durable.store(into: &slotSpan)
            let start = CheckpointLayout.slotOffset(durable.slot)
            file.replaceSubrange(start..<start + slot.count, with: slot)
        }
        try scratch.write(file, to: "checkpoint")
        switch origin {
        case .java, .apusClosed: break
        case .javaKilled: try scratch.write(Array("4711".utf8), to: "abort")
        case .apusKilled:
            try scratch.write(AbortMarker.text(processID: 4711, epoch: 3), to: "abort")
        }
    }

    private var isMarked: Bool { origin == .apusKilled || origin == .apusClosed }

    /// Where a mark stands: one of the places where it could, or with 0xFF any.
    private func place(_ at: Int) -> Int64 {
        if mark[at] == 0xFF { return Int64(Int8(bitPattern: mark[at + 1])) << 48 | 7 }
        return Int64(ends[(Int(mark[at]) << 8 | Int(mark[at + 1])) % ends.count])
    }

    /// Whether what the marks say can have been, and what records say of their numbers. What an
    /// open makes of others is only to be no trap.
    var isPlausible: Bool { hasPlausibleMarks && hasOrderedNumbers }

    /// No mark is within a record or ahead of the log's, and the log's is not in bytes behind a
    /// blank marker.
    var hasPlausibleMarks: Bool {
        guard isMarked else { return true }
        let durable = place(0)
        return [0, 2, 4].allSatisfy { mark[$0] != 0xFF && place($0) <= durable }
            && durable <= log.count && !hasStrayBlank
    }

    /// Whether the numbers in each queue rise, but for one that may be damaged.
    private var hasOrderedNumbers: Bool {
        var queues: [String: [Int64]] = [:]
        var place = 0
        while place < log.count {
            guard
                case .record(let frame) = RecordInspection.inspect(
                    log.rawSpan, at: place, physicalOffset: Int64(place), checks: .position)
            else {
                place += 1
                continue
            }
            let record = RecordView(log.rawSpan, at: place, frame: frame)
            let queue = "\(String(decodingUTF8: record.topic))/\(record.queueID)"
            let flag = frame.systemFlag
            if flag.isDispatched, !flag.contains(.innerBatch) {
                queues[queue, default: []].append(record.queueOffset)
            }
            place += frame.totalSize
        }
        return queues.values.allSatisfy { numbers in
            let falls = numbers.indices.dropFirst().first { numbers[$0] <= numbers[$0 - 1] }
            guard let fall = falls else { return true }
            return [fall - 1, fall].contains { left in
                var rest = numbers
                rest.remove(at: left)
                return zip(rest, rest.dropFirst()).allSatisfy(<)
            }
        }
    }

    private var hasStrayBlank: Bool {
        let magic: [UInt8] = [0xCB, 0xD4, 0x31, 0x94]
        return log.indices.dropLast(8).contains { place in
            log[place + 4] == magic[0] && log[place + 4..<place + 8].elementsEqual(magic)
                && !blanks.contains(place)
        }
    }

    /// Bytes below this were on the device: recovery must leave them as they are.
    var durable: Int { isMarked ? max(0, Int(clamping: place(0))) : 0 }
}

// MARK: - Chunks

extension SegmentImage {
    private mutating func addChunk(_ reader: inout ByteReader) {
        let kind = reader.byte()
        switch kind & 15 {
        case 0: log += reader.take(Int(reader.byte()))
        case 1: log += [UInt8](repeating: 0, count: Int(reader.byte()))
        case 2: addBlank(off: Int(kind >> 4) - 8)
        case 3: addForeign(reader.take(Int(reader.integer(UInt16.self) & 0x1FFF)))
        case 4: queue += reader.take(Int(reader.byte()))
        case 5: index += reader.take(Int(reader.byte()))
        case 6:
            let unit = ConsumeQueueUnit(
                physicalOffset: Int64(reader.integer(UInt16.self)),
                size: Int32(reader.integer(UInt16.self)), tagsCode: Int64(reader.byte()))
            var bytes = [UInt8](repeating: 0, count: ConsumeQueueUnit.byteCount)
            var span = bytes.mutableRawSpan
            unit.store(into: &span, at: 0)
            queue += bytes
        case 7:
            let start = log.count
            addRecord(&reader)
            let place = start + Int(reader.byte())
            if place < log.count { log[place] ^= 1 << (kind >> 5) }
        default: addRecord(&reader)
        }
    }

    private var room: Int { Self.segmentByteCount - log.count % Self.segmentByteCount }

    /// A blank marker that closes the segment, or misses its end.
    private mutating func addBlank(off: Int) {
        let count = room
        guard count >= BlankMarker.byteCount else { return }
        var bytes = [UInt8](repeating: 0, count: off == -8 ? count : BlankMarker.byteCount)
        var span = bytes.mutableRawSpan
        let remaining = Int32(count + (off == -8 ? 0 : off))
        BlankMarker.store(remaining: remaining, into: &span, at: 0)
        if off == -8 {
            blanks.insert(log.count)
            ends.append(log.count + count)
        }
        log += bytes
    }

    /// Bytes from elsewhere; those that begin like records say that they stand where they stand.
    private mutating func addForeign(_ bytes: [UInt8]) {
        var bytes = bytes
        var offset = 0
        while case .record(let frame) = RecordInspection.inspect(
            bytes.rawSpan, at: offset, physicalOffset: 0, checks: [])
        {
            bytes.put(Int64(log.count + offset), at: offset + 28)
            offset += frame.totalSize
            ends.append(log.count + offset)
        }
        log += bytes
    }

    private mutating func addRecord(_ reader: inout ByteReader) {
        let shape = reader.byte()
        let topic = Int(shape & 3) % Self.topics.count
        let queueID = Int32(shape >> 2 & 1)
        let names = [
            "", "TAGS\u{1}a\u{2}", "KEYS\u{1}k1 k2\u{2}UNIQ_KEY\u{1}u\u{2}", "DELAY\u{1}3\u{2}",
        ]
        var properties = Array(names[Int(shape >> 3 & 3)].utf8)
        if shape & 32 != 0 { properties += reader.take(Int(reader.byte())) }
        let flag = SystemFlag(rawValue: shape & 64 == 0 ? 0 : Int32(reader.integer(UInt16.self)))
        let body = reader.take(Int(reader.byte()))
        var offset = nextOffsets[topic]
        if shape & 128 != 0 { offset += Int64(reader.integer(Int8.self)) }
        nextOffsets[topic] = offset + 1
        let store = HostAddress.loopback(port: 10_911)
        let host = store
        let plain = flag.withHosts(born: host, store: store)
        let frame = RecordFrame(
            version: .v1, systemFlag: plain, bodyLength: body.count,
            topicLength: Self.topics[topic].utf8.count,
            propertiesLength: properties.count
                + (requiresChecksum
                    ? ChecksumProperty.byteCount + (properties.last ?? 2 == 2 ? 0 : 1) : 0))
        let fields = RecordFields(
            queueID: queueID, queueOffset: offset, physicalOffset: Int64(log.count),
            systemFlag: plain, bornTimestamp: 1, bornHost: host,
            storeTimestamp: 1000 + Int64(log.count), storeHost: store,
            bodyChecksum: CRC32.stored(body.rawSpan))
        guard frame.totalSize + BlankMarker.byteCount <= room else { return }
        var bytes = [UInt8](repeating: 0, count: frame.totalSize)
        var span = bytes.mutableRawSpan
        RecordEncoder.encode(
            fields, frame: frame, topic: Array(Self.topics[topic].utf8).rawSpan,
            properties: properties.rawSpan, body: body.rawSpan, appendsChecksum: requiresChecksum,
            into: &span, at: 0)
        log += bytes
        ends.append(log.count)
    }
}
