// Sends to a broker in this process: what arrives, where, and what the receipt says of it.

import ApusFormat
import ApusRemoting
import Synchronization
import TestSupport
import Testing

@testable import ApusClient

@Suite("A producer, with a broker")
struct SendTests {
    @Test("a message arrives with everything that was said of it, where the receipt says")
    func whole() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                var message = Message("größer", to: "Orders", tag: "new", keys: ["k1", "k2"])
                message.properties = ["colour": "red"]
                message.flag = 5
                let receipt = try await producer.send(message)
                #expect(receipt.status == .stored && receipt.queue.topic == "Orders")
                let stored = try await messages(
                    system, "Orders", queue: receipt.queue.id)
                let first = try #require(stored.first)
                #expect(stored.count == 1 && first.text == "größer" && first.tag == "new")
                #expect(first.keys == ["k1", "k2"] && first.properties["colour"] == "red")
                #expect(first.flag == 5 && first.id == receipt.id && first.place == receipt.place)
                #expect(first.queueOffset == receipt.queueOffset && first.queue == receipt.queue)
            }
        }
    }

    @Test("messages go to all queues in turn")
    func inTurn() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                var counts: [Int32: Int] = [:]
                for number in 0..<12 {
                    let receipt = try await producer.send(Message("\(number)", to: "Orders"))
                    counts[receipt.queue.id, default: 0] += 1
                }
                #expect(counts == [0: 3, 1: 3, 2: 3, 3: 3])
                let queues = try await producer.queues(of: "Orders")
                #expect(queues.map(\.id) == [0, 1, 2, 3])
                let chosen = try await producer.send(Message("x", to: "Orders"), to: queues[2])
                #expect(chosen.queue == queues[2])
            }
        }
    }

    @Test("a sharding key always goes to the queue that Java's client takes")
    func sharding() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                // Math.abs("order-17".hashCode()) % 4 in Java: the hash is 1234255109.
                for _ in 0..<5 {
                    let receipt = try await producer.send(
                        Message("x", to: "Orders"), shardingKey: "order-17")
                    #expect(receipt.queue.id == 1)
                }
            }
        }
    }

    @Test("large bodies are compressed, and arrive as they were", arguments: BodyCodec.allCases)
    func compressed(codec: BodyCodec) async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.compression = Compression(codec, from: 1000)
            let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 100) }
            try await Producer(configuration).running { producer in
                let receipt = try await producer.send(Message(body, to: "Orders"))
                let stored = try await messages(system, "Orders", queue: receipt.queue.id)
                #expect(stored.first?.body == body)
                #expect(stored.first?.frame.bodyLength ?? 0 < body.count / 2)
            }
        }
    }

    @Test("a batch is cut where it would be too long, and all of it arrives in order")
    func batch() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.maximumBatchBytes = 2000
            try await Producer(configuration).running { producer in
                let batch = (0..<50).map { Message("message \($0)", to: "Orders", tag: "b") }
                let receipts = try await producer.send(batch: batch, shardingKey: "k")
                #expect(receipts.count > 2 && Set(receipts.map(\.receipt.queue)).count == 1)
                #expect(receipts.flatMap { Array($0.messages) } == Array(0..<50))
                let queue = try #require(receipts.first?.receipt.queue)
                let stored = try await messages(system, "Orders", queue: queue.id)
                #expect(stored.map(\.text) == (0..<50).map { "message \($0)" })
                #expect(Set(stored.map(\.id)).count == 50)
                #expect(stored.first?.id == receipts.first?.receipt.id)
            }
        }
    }

    @Test("what goes without an answer arrives")
    func oneWay() async throws {
        try await withSystem { system in
            try await Producer(ProducerConfiguration(system.client)).running { producer in
                for number in 0..<10 {
                    try await producer.sendOneWay(Message("\(number)", to: "Orders"))
                }
                try await eventually("all ten are there") {
                    try await allMessages(system, "Orders").count == 10
                }
            }
        }
    }

    @Test("many at once are bounded, all are answered, and none is lost or doubled")
    func pipeline() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.maximumInFlight = 16
            let answers = Mutex<[Int: SendReceipt]>([:])
            let most = Mutex(0)
            try await Producer(configuration).running { producer in
                try await producer.withPipeline { number, result in
                    let inFlight = producer.inFlight
                    most.withLock { $0 = max($0, inFlight) }
                    if case .success(let receipt) = result {
                        answers.withLock { $0[number] = receipt }
                    }
                } body: { pipeline in
                    for number in 0..<2000 {
                        let given = try await pipeline.send(Message("\(number)", to: "Orders"))
                        #expect(given == number)
                    }
                }
                #expect(answers.withLock { $0.count } == 2000)
                #expect(most.withLock { $0 } <= 16)
                let bodies = try await allMessages(system, "Orders").map(\.text)
                #expect(bodies.count == 2000 && Set(bodies) == Set((0..<2000).map { "\($0)" }))
            }
        }
    }

    @Test("properties that no record can hold are refused before they are sent")
    func tooLong() async throws {
        try await withSystem { system in
            try await Producer(ProducerConfiguration(system.client)).running { producer in
                var message = Message("x", to: "Orders")
                message.properties = ["a": String(repeating: "x", count: 32_700)]
                let error = await #expect(throws: ClientError.self) {
                    try await producer.send(message)
                }
                #expect(error?.retry == .never)
            }
        }
    }

    @Test("a topic that nobody has is an error in words, when topics are not created")
    func noTopic() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.createsTopics = false
            try await Producer(configuration).running { producer in
                let error = await #expect(throws: ClientError.self) {
                    try await producer.send(Message("x", to: "Nowhere"))
                }
                #expect(error?.kind == .noRoute && error?.mayHaveHappened == false)
                #expect(error?.isRetryable == true)
            }
        }
    }

    @Test("behind its end a producer sends nothing")
    func ended() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { _ = try await $0.send(Message("x", to: "Orders")) }
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "Orders"))
            }
            #expect(error?.kind == .closed)
            await #expect(throws: ClientError.self) { try await producer.run() }
        }
    }
}
