// Appending and reading back: one message, many, batches, rolls.

import ApusFormat
import TestSupport
import Testing

@testable import ApusStore

/// Small files, so that rolls happen at once; stepped by hand unless told otherwise.
func tinyConfiguration(_ change: (inout StoreConfiguration) -> Void = { _ in })
    -> StoreConfiguration
{
    var configuration = StoreConfiguration()
    configuration.commitLog.segmentByteCount = 64 << 10
    configuration.commitLog.populateAheadByteCount = 16 << 10
    configuration.queues.fileByteCount = 2000
    configuration.queues.extentByteCount = 400
    configuration.index.slotCount = 100
    configuration.index.entryCapacity = 400
    configuration.threads = .manual
    change(&configuration)
    return configuration
}

func message(_ number: Int, topic: String = "Orders", queue: Int32 = 0, size: Int = 100) -> Message
{
    var body = Array("message \(number) ".utf8)
    while body.count < size { body.append(UInt8(truncatingIfNeeded: body.count &* 31 &+ number)) }
    return Message(
        topic: topic, queueID: queue, body: body, tags: "Tag\(number % 3)", keys: ["key\(number)"])
}

@Test("a message that was appended reads back as it was")
func appendAndRead() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    defer { try? store.close() }
    var sent = message(1)
    sent.attributes = MessageAttributes(
        flag: 7, bornTimestamp: 1_700_000_000_000,
        bornHost: HostAddress(ipv4: 0x0A00_0001, port: 40_000), reconsumeTimes: 2,
        preparedTransactionOffset: 9)
    let result = try store.append(sent)
    #expect(result.physicalOffset == 0 && result.queueOffset == 0 && result.status == .stored)
    let queue = try store.queue(topic: "Orders")
    let read = try #require(try store.read(queue, from: 0).messages().first)
    #expect(read.body == sent.body && read.topic == "Orders" && read.queueID == 0)
    #expect(read.properties == sent.properties)
    #expect(read.fields.flag == 7 && read.bornTimestamp == 1_700_000_000_000)
    #expect(read.fields.bornHost == sent.attributes.bornHost)
    #expect(read.fields.reconsumeTimes == 2 && read.fields.preparedTransactionOffset == 9)
    #expect(read.messageID == result.messageID && read.storeTimestamp == result.storeTimestamp)
    #expect(try store.message(at: result.physicalOffset) == read)
}

@Test("messages of many queues read back in order over segment and queue file ends")
func appendOverRolls() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    defer { try? store.close() }
    for number in 0..<2_000 {
        let result = try store.append(message(number, queue: Int32(number % 3)))
        #expect(result.queueOffset == Int64(number / 3))
    }
    #expect(store.published > 3 * 64 << 10)
    for id in 0..<3 {
        let queue = try store.queue(topic: "Orders", id: Int32(id))
        var offset: Int64 = 0
        var read: [StoredMessage] = []
        while offset < (try store.maximumOffset(queue)) {
            let batch = try store.read(queue, from: offset, count: 7)
            read += try batch.messages()
            offset = batch.nextOffset
        }
        let expected = stride(from: id, to: 2_000, by: 3).map { message($0).body }
        #expect(read.map(\.body) == expected)
        #expect(read.map(\.queueOffset) == Array(0..<Int64(expected.count)))
    }
}

@Test("a store that was closed goes on where it was")
func reopen() throws {
    let directory = try TemporaryDirectory()
    for round in 0..<5 {
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<300 {
            let result = try store.append(message(round * 300 + number))
            #expect(result.queueOffset == Int64(round * 300 + number))
        }
        try store.close()
    }
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == 1_500)
    for offset in stride(from: Int64(0), to: 1_500, by: 37) {
        let read = try store.read(queue, from: offset, count: 1).messages()
        #expect(read.map(\.body) == [message(Int(offset)).body])
    }
    try store.close()
}

@Test("a store that was let go without closing is recovered whole")
func recoverAfterKill() throws {
    let directory = try TemporaryDirectory()
    var next: Int64 = 0
    for round in 0..<5 {
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == next)
        for _ in 0..<(100 + round * 50) {
            #expect(try store.append(message(Int(next))).queueOffset == next)
            next += 1
        }
        if round % 2 == 0 { try store.flush() }
    }
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == next)
    for offset in 0..<next {
        let read = try store.read(queue, from: offset, count: 1).messages()
        #expect(read.map(\.body) == [message(Int(offset)).body])
        let found = try store.messages(topic: "Orders", key: "key\(offset)")
        #expect(found.map(\.queueOffset) == [offset])
    }
    try store.close()
}

@Test("a second opener is refused, and the lock goes with close although children hold the file")
func lockIsExclusive() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    #expect(throws: StoreError.locked(path: "\(directory.path)/lock")) {
        _ = try MessageStore.open(directory.path, tinyConfiguration())
    }
    try store.close()
    for _ in 0..<20 {
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        try again.close()
    }
}

@Test("a busy queue gets room before its appender comes to the end of what it has")
func roomAhead() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    let extender = QueueExtender(store.log)
    let queue = try store.queue(topic: "Orders").queue
    var extended = 0
    var runsOut = 0
    for number in 0..<700 {
        let room = queue.preparedEnd - queue.nextOffset
        if number > 0, room == 0 { runsOut += 1 }
        try store.append(message(number, size: 20))
        let before = queue.preparedEnd
        _ = extender.doWork()
        if queue.preparedEnd > before { extended += 1 }
    }
    #expect(runsOut == 0 && extended > 5)
    let handle = try store.queue(topic: "Orders")
    for offset in 0..<700 {
        let read = try store.read(handle, from: Int64(offset), count: 1).messages()
        #expect(read.map(\.body) == [message(offset, size: 20).body])
    }
    try store.close()
}

@Test("a list of queues lends each of them, and holds them")
func queueList() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    func list() throws -> MessageQueueList {
        MessageQueueList(try (Int32(0)..<5).map { try store.queue(topic: "Orders", id: $0) })
    }
    let queues = try list()
    #expect(queues.count == 5)
    for number in 0..<20 {
        let result = try queues.withQueue(at: number % 5) {
            #expect($0.id == Int32(number % 5))
            return try store.append(to: $0, body: [UInt8(number)].span.bytes)
        }
        #expect(result.queueOffset == Int64(number / 5))
    }
    // What is thrown comes through.
    try store.close()
    #expect(throws: StoreError.closed) {
        try queues.withQueue(at: 1) { try store.append(to: $0, body: [1].span.bytes) }
    }
}
