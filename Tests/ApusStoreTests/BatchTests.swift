// Batches: contiguous, all or nothing, with consecutive queue offsets.

import ApusFormat
import ApusSystem
import TestSupport
import Testing

@testable import ApusStore

@Test("the messages of a batch stand one behind the other with consecutive queue offsets")
func batchIsContiguous() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    try store.append(message(0))
    let sent = (1...40).map { message($0, size: 50 + $0) }
    let result = try store.append(batch: sent)
    #expect(result.count == 40 && result.first.queueOffset == 1)
    let queue = try store.queue(topic: "Orders")
    var next = result.first.physicalOffset
    for (index, message) in sent.enumerated() {
        let read = try #require(
            try store.read(queue, from: Int64(index + 1), count: 1).messages().first)
        #expect(read.body == message.body && read.properties == message.properties)
        #expect(read.physicalOffset == next)
        next += Int64(read.byteCount)
    }
    #expect(next == result.physicalEnd)
    try store.close()
}

@Test("a batch never spans segments, and may reach over the end of a queue file")
func batchRolls() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    var expected: [[UInt8]] = []
    for round in 0..<60 {
        let sent = (0..<33).map { message(round * 33 + $0, size: 200) }
        let result = try store.append(batch: sent)
        expected += sent.map(\.body)
        #expect(result.first.physicalOffset >> 16 == (result.physicalEnd - 1) >> 16)
    }
    let queue = try store.queue(topic: "Orders")
    var read: [[UInt8]] = []
    while read.count < expected.count {
        let batch = try store.read(queue, from: Int64(read.count), count: 50)
        #expect(!batch.isEmpty)
        read += try batch.messages().map(\.body)
        if batch.isEmpty { break }
    }
    #expect(read == expected)
    try store.close()
}

@Test("with whole-record checksums each record of a batch and a single append ends in one")
func checksums() throws {
    let directory = try TemporaryDirectory()
    let configuration = tinyConfiguration { $0.integrity.appendsRecordChecksum = true }
    let store = try MessageStore.open(directory.path, configuration)
    var forged = message(1)
    forged.properties.insert(Property(name: "__CRC32#", value: "0000000000"), at: 0)
    try store.append(forged)
    try store.append(batch: [message(2), forged, message(3)])
    let queue = try store.queue(topic: "Orders")
    let batch = try store.read(queue, from: 0)
    #expect(batch.count == 4)
    batch.forEach { record in
        let length = record.frame.propertiesLength
        #expect(ChecksumProperty.verify(record: record.bytes, propertiesLength: length) == true)
    }
    for read in try batch.messages() {
        #expect(read.properties.count { $0.name == "__CRC32#" } == 1)
    }
    try store.close()
}

@Test("a property that ends like a checksum is none, and its message stays readable")
func lookalikeChecksum() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    let queue = try store.queue(topic: "Orders")
    let properties = Array("k\u{1}v__CRC32#\u{1}0123456789\u{2}".utf8)
    try store.append(to: queue, body: [1, 2, 3].rawSpan, properties: properties.rawSpan)
    try store.append(message(1))
    #expect(try store.read(queue, from: 0).count == 2)
    try store.close()
}

@Test(
    "a compressed body is stored with RocketMQ's flags and reads back as it was sent",
    arguments: BodyCodec.allCases)
func compression(codec: BodyCodec) throws {
    let directory = try TemporaryDirectory()
    let configuration = tinyConfiguration {
        $0.compression = CompressionSettings(algorithm: codec, thresholdByteCount: 1_000)
    }
    let store = try MessageStore.open(directory.path, configuration)
    let long = Message(topic: "T", body: Array(repeating: 7, count: 20_000))
    let short = Message(topic: "T", body: Array(repeating: 7, count: 999))
    var random = SeededNumbers.printed()
    let noise = Message(
        topic: "T", body: (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) })
    for sent in [long, short, noise] { try store.append(sent) }
    let queue = try store.queue(topic: "T")
    let batch = try store.read(queue, from: 0)
    #expect(try batch.messages().map(\.body) == [long, short, noise].map(\.body))
    var codecs: [BodyCodec?] = []
    batch.forEach { codecs.append(BodyCodec($0.frame.systemFlag)) }
    #expect(codecs == [codec, nil, nil], "short bodies and such as do not shrink stay as they are")
    try store.close()
}

@Test("halves of a transaction are stored but no queue holds them; the commit is delivered")
func transactions() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    func send(_ state: Int32, _ number: Int) throws -> AppendResult {
        var sent = message(number)
        sent.attributes.systemFlag = SystemFlag(rawValue: state)
        return try store.append(sent)
    }
    let prepared = try send(4, 1)
    let rolledBack = try send(12, 2)
    let committed = try send(8, 3)
    #expect(prepared.queueOffset == 0 && rolledBack.queueOffset == 0 && committed.queueOffset == 0)
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == 1)
    #expect(try store.read(queue, from: 0).messages().map(\.body) == [message(3).body])
    #expect(try store.message(at: prepared.physicalOffset).body == message(1).body)
    #expect(try store.messages(topic: "Orders", key: "key1").count == 1, "halves are indexed")
    #expect(try store.messages(topic: "Orders", key: "key2").isEmpty, "rollbacks are not")
    try store.close()
}

@Test("a delayed message's entry holds the time of its delivery, as Java's does")
func scheduled() throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store = try MessageStore.open(
        directory.path, tinyConfiguration(), observer: nil, disk: SystemDisk(), time: .manual(clock)
    )
    try store.append(
        Message(
            topic: "SCHEDULE_TOPIC_XXXX", queueID: 2, body: [1],
            properties: [Property(name: "DELAY", value: "3")]))
    let queue = try store.queue(topic: "SCHEDULE_TOPIC_XXXX", id: 2)
    #expect(try queue.queue.unit(at: 0)?.tagsCode == 1_700_000_010_000)
    try store.close()
}

@Test("tags are told apart by two strokes, and one alone belongs to a tag")
func strokes() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    for tags in ["a|b", "a", "b", "c"] {
        try store.append(Message(topic: "T", body: [], tags: tags))
    }
    let queue = try store.queue(topic: "T")
    func offsets(_ expression: String) throws -> [Int64] {
        try store.read(queue, from: 0, filter: TagFilter(expression)).messages().map(\.queueOffset)
    }
    #expect(try offsets("a|b") == [0])
    #expect(try offsets("a|b || c") == [0, 3])
    #expect(try offsets("a||b") == [1, 2])
    #expect(TagFilter.names(in: " a b ||c|| ") == ["a b", "c"])
    #expect(TagFilter.names(in: "*").isEmpty && TagFilter.names(in: "").isEmpty)
    // As Java cuts it: at the first two of three.
    #expect(try offsets("a|||b") == [1])
    try store.close()
}

@Test("a tag filter passes over messages, also over those whose hash collides")
func filter() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    // "Aa" and "BB" have the same hash in Java.
    for tags in ["Aa", "BB", "C", nil, "BB"] {
        try store.append(Message(topic: "T", body: Array((tags ?? "").utf8), tags: tags))
    }
    let queue = try store.queue(topic: "T")
    func bodies(_ expression: String) throws -> [String] {
        let batch = try store.read(queue, from: 0, filter: TagFilter(expression))
        #expect(batch.nextOffset == 5)
        return try batch.messages().map { String(decoding: $0.body, as: UTF8.self) }
    }
    #expect(try bodies("BB") == ["BB", "BB"])
    #expect(try bodies(" Aa || C ") == ["Aa", "C"])
    #expect(try bodies("*") == ["Aa", "BB", "C", "", "BB"])
    #expect(try bodies("none") == [])
    try store.close()
}
