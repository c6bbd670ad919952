// Batches: the frames that clients send, and the entries of queues whose records are batches.

import ApusFormat
import Testing

/// Flag 4660, body "ab", properties "a=1" with control characters.
private let frame = bytes(
    hex: "0000001c 00000000 00000000 00001234 00000002 6162 0004 61013102")

private func frames(of batch: [UInt8]) throws(BatchDamage) -> [ClientBatchFrame] {
    var offset = 0
    var frames: [ClientBatchFrame] = []
    while offset < batch.count {
        let frame = try ClientBatch.frame(in: batch.rawSpan, at: offset)
        frames.append(frame)
        offset = frame.end
    }
    return frames
}

@Test("a client's frame has RocketMQ's layout, and says where its parts are")
func clientFrames() throws {
    var batch: [UInt8] = []
    ClientBatch.encode(
        flag: 4660, body: Array("ab".utf8).rawSpan,
        properties: Properties.encode([Property(name: "a", value: "1")]).rawSpan, into: &batch)
    #expect(batch == frame)
    let empty: [UInt8] = []
    ClientBatch.encode(flag: -1, body: empty.rawSpan, properties: empty.rawSpan, into: &batch)
    #expect(batch.count == frame.count + ClientBatch.minimumSize)
    let read = try frames(of: batch)
    #expect(read.map(\.flag) == [4660, -1])
    #expect(read[0].body == 20..<22 && read[0].properties == 24..<28 && read[0].end == 28)
    #expect(read[1].body == 48..<48 && read[1].properties == 50..<50 && read[1].end == 50)
}

@Test("the numbers that RocketMQ ignores in a frame are ignored")
func ignoredFields() throws {
    var odd = frame
    odd.replaceSubrange(4..<12, with: [UInt8](repeating: 0xFF, count: 8))
    #expect(try frames(of: odd).count == 1)
}

@Test("each way in which a frame is wrong has its own error")
func damagedFrames() {
    func damage(_ changes: [Int: UInt8], count: Int = frame.count) -> BatchDamage? {
        var bytes = Array(frame.prefix(count))
        for (position, byte) in changes { bytes[position] = byte }
        do throws(BatchDamage) {
            _ = try ClientBatch.frame(in: bytes.rawSpan, at: 0)
            return nil
        } catch { return error }
    }
    #expect(damage([:]) == nil)
    for count in 0..<22 { #expect(damage([:], count: count) == .truncated(at: 0)) }
    for count in 22..<28 {
        #expect(damage([:], count: count) == .sizeOutOfBounds(at: 0, 28), "\(count)")
    }
    #expect(damage([3: 21]) == .sizeOutOfBounds(at: 0, 21))
    #expect(damage([3: 29]) == .sizeOutOfBounds(at: 0, 29))
    #expect(damage([0: 0x80]) == .sizeOutOfBounds(at: 0, .min + 28))
    for changes in [
        [3: 27], [19: 1], [19: 3], [19: 7], [16: 0x80], [16: 0x7F], [23: 3], [23: 5],
        [22: 0x80], [19: 0xFF],
    ] as [[Int: UInt8]] {
        #expect(damage(changes) == .lengthsDisagree(at: 0), "\(changes)")
    }
    for offset in [-1, Int.min, 29, Int.max] {
        #expect(throws: BatchDamage.truncated(at: offset)) {
            try ClientBatch.frame(in: frame.rawSpan, at: offset)
        }
    }
}

@Test("a batch of random frames reads back, and changed bytes never trap")
func randomBatches() throws {
    var random = SeededGenerator(for: "randomBatches")
    for _ in 0..<2_000 {
        var batch: [UInt8] = []
        let sizes = (0..<Int.random(in: 1...5, using: &random)).map { _ in
            (Int.random(in: 0...9, using: &random), Int.random(in: 0...9, using: &random))
        }
        for (body, properties) in sizes {
            ClientBatch.encode(
                flag: 7, body: [UInt8](repeating: 3, count: body).rawSpan,
                properties: [UInt8](repeating: 4, count: properties).rawSpan, into: &batch)
        }
        let read = try frames(of: batch)
        #expect(read.map(\.body.count) == sizes.map(\.0))
        #expect(read.map(\.properties.count) == sizes.map(\.1))
        #expect(read.allSatisfy { batch[$0.body].allSatisfy { $0 == 3 } })
        #expect(read.allSatisfy { batch[$0.properties].allSatisfy { $0 == 4 } })
        for _ in 0..<4 {
            batch[Int.random(in: 0..<batch.count, using: &random)] ^=
                1 << UInt8.random(in: 0...7, using: &random)
        }
        for frame in (try? frames(of: batch)) ?? [] {
            #expect(frame.end <= batch.count && frame.properties.upperBound == frame.end)
        }
    }
}

@Test("a BatchConsumeQueue entry stands in 46 bytes")
func batchConsumeQueueUnit() {
    let unit = BatchConsumeQueueUnit(
        physicalOffset: 4096, size: 124, tagsCode: 2_598_919, storeTimestamp: 1_700_000_000_001,
        firstQueueOffset: 7, messageCount: 1)
    let expected = bytes(
        hex: """
            00000000000010000000007c000000000027a8070000018bcfe5680100000000000000070001ffffffff
            00000000
            """)
    let entry = stored(46) {
        for offset in 0..<46 { $0.storeBigEndian(UInt8(255), at: offset) }
        unit.store(into: &$0, at: 0)
    }
    #expect(entry == expected)
    #expect(BatchConsumeQueueUnit(loadingFrom: expected.rawSpan, at: 0) == unit)
    #expect(unit.isWritten)
    let empty = [UInt8](repeating: 0, count: 46)
    #expect(!BatchConsumeQueueUnit(loadingFrom: empty.rawSpan, at: 0).isWritten)
}

@Test("the batch queues of a golden store point to their records")
func goldenBatchQueues() throws {
    let store = try GoldenStore("rocketmq-5.3.3-clean")
    let messages = Dictionary(
        uniqueKeysWithValues: store.manifest.messages.map { ($0.physicalOffset, $0) })
    var counts: [Int16] = []
    for queue in 0..<3 {
        let file = try store.file("batchconsumequeue/GoldBCQ/\(queue)/00000000000000000000")
        let unit = BatchConsumeQueueUnit(loadingFrom: file.rawSpan, at: 0)
        let message = try #require(messages[unit.physicalOffset])
        #expect(unit.isWritten && Int(unit.size) == message.storeSize)
        #expect(unit.storeTimestamp == message.storeTimestamp)
        #expect(unit.firstQueueOffset == 0 && unit.compactedOffset == -1)
        let tags = message.properties[PropertyName.tags].map {
            TagsCode.code(tags: Array($0.utf8).rawSpan)
        }
        #expect(unit.tagsCode == tags ?? 0)
        counts.append(unit.messageCount)
        let next = BatchConsumeQueueUnit(loadingFrom: file.rawSpan, at: 46)
        #expect(!next.isWritten)
        // The body of an inner batch is a client's batch.
        guard SystemFlag(rawValue: message.sysFlag).contains(.innerBatch) else { continue }
        let base = unit.physicalOffset / GoldenStore.segmentByteCount * GoldenStore.segmentByteCount
        let segment = try #require(store.segments[base])
        let place = Int(unit.physicalOffset - base)
        guard
            case .record(let record) = RecordInspection.inspect(
                segment.rawSpan, at: place, physicalOffset: unit.physicalOffset, checks: .all)
        else {
            Issue.record("no record at \(unit.physicalOffset)")
            continue
        }
        let body = [UInt8](record.body(in: segment.rawSpan, at: place))
        #expect(try frames(of: body).count == Int(unit.messageCount))
    }
    #expect(counts == [6, 3, 1])
}
