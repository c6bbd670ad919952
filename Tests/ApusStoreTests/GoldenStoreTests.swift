// Directories that RocketMQ 5.3.3 wrote, opened in place.

import ApusFormat
import Foundation
import TestSupport
import Testing

@testable import ApusStore

private func open(_ golden: GoldenStore) throws -> MessageStore {
    try MessageStore.open(golden.root, tinyConfiguration())
}

private func sha256(_ bytes: [UInt8], in directory: String) throws -> String {
    let path = "\(directory)/digest-\(UUID().uuidString)"
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let printed = try #require(try run("/usr/bin/sha256sum", [path]))
    return String(decoding: printed.prefix(64), as: UTF8.self)
}

private func check(_ store: MessageStore, against manifest: Manifest) throws {
    for expected in manifest.messages {
        let read = try store.message(at: expected.physicalOffset)
        let where_ = Comment(rawValue: "at \(expected.physicalOffset)")
        #expect(read.topic == expected.topic && read.queueID == expected.queueId, where_)
        #expect(read.queueOffset == expected.queueOffset, where_)
        #expect(read.physicalOffset == expected.physicalOffset, where_)
        #expect(read.byteCount == expected.storeSize, where_)
        #expect(read.bornTimestamp == expected.bornTimestamp, where_)
        #expect(read.storeTimestamp == expected.storeTimestamp, where_)
        #expect(read.fields.systemFlag.rawValue == expected.sysFlag, where_)
        #expect(read.messageID.text == expected.offsetMsgId, where_)
        #expect(read.body.count == expected.bodyLen, where_)
        #expect(read.tags == expected.tags, where_)
        let properties = Dictionary(
            read.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        #expect(properties == expected.properties, where_)
    }
}

private func checkQueues(_ store: MessageStore, against manifest: Manifest) throws {
    for expected in manifest.consumeQueues where expected.dir == "consumequeue" {
        let queue = try store.queue(topic: expected.topic, id: expected.queueId)
        #expect(try store.minimumOffset(queue) == expected.minOffset)
        #expect(try store.maximumOffset(queue) == expected.maxOffset)
        for entry in expected.entries ?? [] {
            let unit = try #require(try queue.queue.unit(at: entry[0]))
            #expect([unit.physicalOffset, Int64(unit.size), unit.tagsCode] == Array(entry[1...3]))
            let read = try store.read(queue, from: entry[0], count: 1).messages()
            #expect(read.map(\.physicalOffset) == [entry[1]])
        }
    }
}

@Test("every message, queue and key of a Java directory reads as its manifest says")
func goldenCleanReads() throws {
    let golden = try GoldenStore("clean")
    let store = try open(golden)
    #expect(store.published == golden.manifest.maxPhyOffset)
    try check(store, against: golden.manifest)
    try checkQueues(store, against: golden.manifest)
    for query in golden.manifest.indexQueries where query.topic != "GoldBCQ" {
        let found = try store.messages(topic: query.topic, key: query.key)
        #expect(
            found.map(\.physicalOffset) == query.physicalOffsets.sorted(),
            "\(query.topic)#\(query.key)")
    }
    try store.close()
}

@Test("every body of a Java directory has the digest of its manifest")
func goldenBodies() throws {
    let golden = try GoldenStore("clean")
    let store = try open(golden)
    defer { try? store.close() }
    // Those that a codec wrote, and every twentieth of the others: each digest costs a process.
    for (index, expected) in golden.manifest.messages.enumerated()
    where expected.sysFlag & 1 != 0 || index % 20 == 0 {
        let body = try store.message(at: expected.physicalOffset).body
        #expect(try sha256(body, in: golden.directory.path) == expected.bodySha256)
    }
}

@Test("a directory whose Java broker was killed recovers with every acknowledged message")
func goldenKilledRecovers() throws {
    let golden = try GoldenStore("killed")
    let store = try open(golden)
    #expect(store.published == golden.manifest.maxPhyOffset)
    try check(store, against: golden.manifest)
    try checkQueues(store, against: golden.manifest)
    let acknowledged = try GoldenStore.acknowledgements()
    #expect(acknowledged.count == 286)
    for line in acknowledged {
        let found = try #require(try store.message(topic: line[2], uniqueKey: line[0]))
        #expect(found.messageID.text == line[1])
        #expect(found.queueID == Int32(line[3]) && found.queueOffset == Int64(line[4]))
    }
    try store.close()
    try expectSound(golden.root)
}

@Test("times in a Java directory find the messages that the manifest has there")
func goldenTimes() throws {
    let golden = try GoldenStore("clean")
    let store = try open(golden)
    defer { try? store.close() }
    let queue = try store.queue(topic: "GoldA", id: 0)
    let times = golden.manifest.messages.filter { $0.topic == "GoldA" && $0.queueId == 0 }
        .map(\.storeTimestamp)
    for time in Set(times).union([0, .max / 2]) {
        for probe in [time - 1, time, time + 1] {
            let lower = times.firstIndex { $0 >= probe } ?? times.count
            let upper = times.lastIndex { $0 <= probe } ?? 0
            #expect(try store.offset(in: queue, at: probe) == Int64(lower))
            #expect(try store.offset(in: queue, at: probe, boundary: .upper) == Int64(upper))
        }
    }
}

@Test("after we append to a Java directory, the old messages still read and ours follow")
func goldenAppend() throws {
    let golden = try GoldenStore("clean")
    var end: Int64 = 0
    for round in 0..<2 {
        let store = try open(golden)
        for number in 0..<400 {
            let result = try store.append(message(number, topic: "GoldA"))
            #expect(result.queueOffset == Int64(40 + round * 400 + number))
        }
        try check(store, against: golden.manifest)
        end = store.published
        // Once closed, once let go as if killed.
        if round == 0 { try store.close() }
    }
    let store = try open(golden)
    #expect(store.published == end)
    try check(store, against: golden.manifest)
    let queue = try store.queue(topic: "GoldA", id: 0)
    #expect(try store.maximumOffset(queue) == 840)
    #expect(try store.messages(topic: "GoldA", key: "key7").count == 2)
    try store.close()
    try expectSound(golden.root)
}

@Test("a topic with BatchConsumeQueues is refused by name")
func goldenBatchTopic() throws {
    let golden = try GoldenStore("clean")
    let store = try open(golden)
    defer { try? store.close() }
    #expect(throws: StoreError.unsupportedQueueType(topic: "GoldBCQ")) {
        try store.append(message(1, topic: "GoldBCQ"))
    }
}
