// The directories of RocketMQ 5.3.3 brokers, opened in place by the engine itself.

import ApusFormat
import TestSupport
import Testing

@testable import ApusStore

/// The broker's settings, as far as they show in the lengths of its files.
private func javaConfiguration() -> StoreConfiguration {
    tinyConfiguration { $0.retention.isEnabled = false }
}

@Test("every message that a Java broker stored reads as the broker read it")
func readsJavaQueues() throws {
    let golden = try GoldenStore("clean")
    let store = try MessageStore.open(golden.root, javaConfiguration())
    defer { try? store.close() }
    var count = 0
    for queue in golden.manifest.consumeQueues {
        guard let entries = queue.entries, !queue.dir.contains("batchconsumequeue") else {
            continue
        }
        let opened = try store.queue(topic: queue.topic, id: queue.queueId)
        #expect(try store.minimumOffset(opened) == queue.minOffset)
        #expect(try store.maximumOffset(opened) == queue.maxOffset)
        for entry in entries {
            let read = try store.read(opened, from: entry[0], count: 1).messages()
            #expect(read.map(\.physicalOffset) == [entry[1]], "\(queue.dir) \(entry[0])")
            count += 1
        }
    }
    #expect(count > 300)
    for message in golden.manifest.messages {
        let read = try store.message(at: message.physicalOffset)
        #expect(read.topic == message.topic && read.body.count == message.bodyLen)
        #expect(read.messageID.description == message.offsetMsgId)
    }
    for query in golden.manifest.indexQueries {
        let found = try store.messages(topic: query.topic, key: query.key, limit: 1_000)
        #expect(found.map(\.physicalOffset) == query.physicalOffsets.sorted(), "\(query.key)")
    }
}

@Test("what a killed Java broker acknowledged is there, and appends go on behind it")
func recoversJavaKill() throws {
    let golden = try GoldenStore("killed")
    let store = try MessageStore.open(golden.root, javaConfiguration())
    for line in try GoldenStore.acknowledgements() where line.count == 5 {
        let queue = try store.queue(topic: line[2], id: try #require(Int32(line[3])))
        let offset = try #require(Int64(line[4]))
        let read = try store.read(queue, from: offset, count: 1).messages()
        #expect(read.map(\.messageID.description) == [line[1]])
    }
    let result = try store.append(message(1))
    #expect(result.physicalOffset >= golden.manifest.maxPhyOffset)
    try store.close()
}
