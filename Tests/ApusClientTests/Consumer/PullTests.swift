// A pull consumer with a broker in this process.

import ApusFormat
import TestSupport
import Testing

@testable import ApusClient

@Suite("A pull consumer")
struct PullConsumerTests {
    /// The next texts of a consumer.
    private static func take(_ consumer: PullConsumer, _ count: Int) async -> [ReceivedMessage] {
        var messages: [ReceivedMessage] = []
        for await message in consumer.messages {
            messages.append(message)
            if messages.count == count { break }
        }
        return messages
    }

    @Test("messages come as a sequence, and what was committed does not come again")
    func sequence() async throws {
        try await withSystem { system in
            try await system.send((0..<10).map { "\($0)" }, key: "k")
            let first = try PullConsumer(system.consumer())
            try await first.running { consumer in
                let messages = await Self.take(consumer, 10)
                #expect(messages.map(\.text) == (0..<10).map { "\($0)" })
                let isCommitted = await consumer.commit(through: messages[5])
                #expect(isCommitted)
                let offset = try await consumer.committedOffset(of: messages[5].queue)
                #expect(offset == 6)
            }
            try await PullConsumer(system.consumer()).running { consumer in
                let messages = await Self.take(consumer, 4)
                #expect(messages.map(\.text) == ["6", "7", "8", "9"])
                let isCommitted = await consumer.commit()
                #expect(isCommitted)
            }
            try await system.send(["new"], key: "k")
            try await PullConsumer(system.consumer()).running { consumer in
                let messages = await Self.take(consumer, 1)
                #expect(messages.map(\.text) == ["new"])
            }
        }
    }

    @Test("bodies that were compressed come as they were sent")
    func compressed() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.compression = Compression(.zlib, from: 100)
            let body = [UInt8](repeating: 7, count: 5000)
            let receipt = try await Producer(configuration).running {
                try await $0.send(Message(body, to: "Orders"))
            }
            try await PullConsumer(system.consumer()).running { consumer in
                let messages = await Self.take(consumer, 1)
                #expect(messages.first?.body == body && messages.first?.id == receipt.id)
                #expect(messages.first?.frame.bodyLength ?? 5000 < 1000)
            }
        }
    }

    @Test("queues that are assigned are read, from wherever they are set to")
    func assigned() async throws {
        try await withSystem { system in
            let receipts = try await system.send((0..<10).map { "\($0)" }, key: "k")
            let queue = try #require(receipts.first?.queue)
            let consumer = try PullConsumer(system.consumer { $0.subscriptions = [] })
            try await consumer.running { consumer in
                let queues = try await consumer.queues(of: "Orders")
                #expect(queues.count == 4 && queues.contains(queue))
                try consumer.assign([queue])
                // At once, and as good as later.
                try consumer.seek(queue, to: 8)
                let last = await Self.take(consumer, 2)
                #expect(last.map(\.text) == ["8", "9"] && consumer.assignment == [queue])
                try consumer.seek(queue, to: 0)
                let all = await Self.take(consumer, 10)
                #expect(all.map(\.text) == (0..<10).map { "\($0)" })
                try consumer.seek(queue, to: 7)
                let again = await Self.take(consumer, 3)
                #expect(again.map(\.text) == ["7", "8", "9"])
                try await consumer.seekToBeginning(of: queue)
                #expect(await Self.take(consumer, 1).map(\.text) == ["0"])
                try await consumer.seek(queue, toTime: all[4].storeTimestamp)
                let timed = await Self.take(consumer, 1)
                #expect(timed.first?.storeTimestamp == all[4].storeTimestamp)
                try await consumer.seekToEnd(of: queue)
                try await system.send(["last"], key: "k")
                #expect(await Self.take(consumer, 1).map(\.text) == ["last"])
                #expect(throws: ClientError.self) { try consumer.seek(queue, to: -1) }
                try consumer.assign([])
                try await eventually("nothing is read") { consumer.assignment.isEmpty }
                #expect(throws: ClientError.self) { try consumer.seek(queue, to: 0) }
                #expect(await consumer.commit(through: all[0]) == false)
            }
        }
    }

    @Test("paused queues give nothing until they are resumed")
    func paused() async throws {
        try await withSystem { system in
            let receipts = try await system.send(["0"], key: "k")
            let queue = try #require(receipts.first?.queue)
            try await PullConsumer(system.consumer()).running { consumer in
                #expect(await Self.take(consumer, 1).count == 1)
                consumer.pause([queue])
                try await system.send(["1"], key: "k")
                try await system.send(["other"], key: "key of another queue")
                #expect(await Self.take(consumer, 1).map(\.text) == ["other"])
                consumer.resume([queue])
                #expect(await Self.take(consumer, 1).map(\.text) == ["1"])
            }
        }
    }

    @Test("the sequence ends when its task is cancelled, and when the consumer ends")
    func ends() async throws {
        try await withSystem { system in
            try await system.send(["0"])
            let consumer = try PullConsumer(system.consumer())
            try await consumer.running { consumer in
                #expect(await Self.take(consumer, 1).count == 1)
                let waiting = Task { await Self.take(consumer, 1) }
                waiting.cancel()
                #expect(await waiting.value.isEmpty)
                async let last = Self.take(consumer, 1)
                consumer.stop()
                #expect(await last.isEmpty)
            }
        }
    }

    @Test("queues are the group's to divide where it subscribes")
    func notAssigned() throws {
        let configuration = ConsumerConfiguration(
            ClientConfiguration(nameServers: "127.0.0.1:1"), group: "g", Subscription("T"))
        let consumer = try PullConsumer(configuration)
        #expect(throws: ClientError.self) { try consumer.assign([]) }
    }
}
