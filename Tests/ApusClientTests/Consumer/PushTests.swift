// A push consumer with a broker in this process.

import ApusBroker
import ApusFormat
import Synchronization
import TestSupport
import Testing

@testable import ApusClient

/// What handlers were given.
final class Heard: Sendable {
    private let state = Mutex<[ReceivedMessage]>([])

    func note(_ message: ReceivedMessage) { state.withLock { $0.append(message) } }
    var messages: [ReceivedMessage] { state.withLock { $0 } }
    var texts: [String] { messages.map(\.text) }
    var count: Int { state.withLock { $0.count } }
}

extension TestSystem {
    func consumer(
        _ group: String = "readers", _ subscriptions: Subscription...,
        change: (inout ConsumerConfiguration) -> Void = { _ in }
    ) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(client, group: group)
        configuration.subscriptions =
            subscriptions.isEmpty ? [Subscription("Orders")] : subscriptions
        configuration.start = .first
        configuration.commitInterval = .milliseconds(100)
        configuration.rebalanceInterval = .milliseconds(500)
        change(&configuration)
        return configuration
    }

    /// Sends texts to a topic, each in its own message.
    @discardableResult
    func send(
        _ texts: [String], to topic: String = "Orders", tag: String? = nil, key: String? = nil
    ) async throws -> [SendReceipt] {
        try await Producer(ProducerConfiguration(client)).running { producer in
            var receipts: [SendReceipt] = []
            for text in texts {
                let message = Message(text, to: topic, tag: tag)
                if let key {
                    receipts.append(try await producer.send(message, shardingKey: key))
                } else {
                    receipts.append(try await producer.send(message))
                }
            }
            return receipts
        }
    }
}

/// Runs a consumer as long as `body` takes.
func consuming(_ consumer: PushConsumer, _ body: () async throws -> Void) async throws {
    let running = Task { try await consumer.run() }
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    running.cancel()
    try await running.value
    try result.get()
}

@Suite("A push consumer")
struct PushTests {
    @Test("every message comes once, those sent before and those sent while it runs")
    func everything() async throws {
        try await withSystem { system in
            let before = (0..<50).map { "before \($0)" }
            let after = (0..<50).map { "after \($0)" }
            try await system.send(before)
            let heard = Heard()
            let consumer = try PushConsumer(system.consumer()) { heard.note($0) }
            try await consuming(consumer) {
                try await eventually("the first half") { heard.count >= 50 }
                try await system.send(after)
                try await eventually("the second half") { heard.count >= 100 }
            }
            #expect(heard.texts.sorted() == (before + after).sorted())
        }
    }

    @Test("what was done is not delivered to the next member of the group")
    func committed() async throws {
        try await withSystem { system in
            try await system.send(["1", "2", "3"])
            let first = Heard()
            try await consuming(PushConsumer(system.consumer()) { first.note($0) }) {
                try await eventually("all three") { first.count == 3 }
            }
            try await system.send(["4"])
            let second = Heard()
            try await consuming(PushConsumer(system.consumer()) { second.note($0) }) {
                try await eventually("the fourth") { second.count >= 1 }
            }
            #expect(second.texts == ["4"])
        }
    }

    @Test("only messages with the wanted tags come")
    func tags() async throws {
        try await withSystem { system in
            for tag in ["a", "b", "c"] { try await system.send([tag], tag: tag) }
            let heard = Heard()
            let configuration = system.consumer("readers", Subscription("Orders", tags: "a || c"))
            try await consuming(PushConsumer(configuration) { heard.note($0) }) {
                try await eventually("both") { heard.count >= 2 }
            }
            #expect(heard.texts.sorted() == ["a", "c"])
        }
    }

    @Test("two members share the queues, and each message goes to one of them")
    func shared() async throws {
        try await withSystem { system in
            try await system.send(["first"])
            let one = Heard()
            let two = Heard()
            let first = try PushConsumer(system.consumer()) { one.note($0) }
            let second = try PushConsumer(system.consumer()) { two.note($0) }
            try await consuming(first) {
                try await eventually("the first has all queues") { first.progress.count >= 4 }
                try await consuming(second) {
                    try await eventually("the queues are shared") {
                        let own = first.progress.filter { $0.queue.topic == "Orders" }.count
                        let others = second.progress.filter { $0.queue.topic == "Orders" }.count
                        return own == 2 && others == 2
                    }
                    try await system.send((0..<40).map { "\($0)" })
                    try await eventually("all came") { one.count + two.count >= 41 }
                    #expect(one.count > 1 && two.count > 0)
                }
                // The second is gone: the first has everything again.
                try await eventually("the first has all queues again") {
                    first.progress.filter { $0.queue.topic == "Orders" }.count == 4
                }
                try await system.send(["last"])
                try await eventually("the last") { one.texts.contains("last") }
            }
            let all = one.texts + two.texts
            #expect(Set(all).count == 42 && all.count == 42)
        }
    }

    @Test("a message whose handler throws comes again, and at last goes to the dead letters")
    func again() async throws {
        try await withSystem {
            $0.delay.levels = [100, 100, 100, 100]
        } _: { system in
            try await system.send(["bad", "good"])
            let heard = Heard()
            let configuration = system.consumer { $0.maximumRetries = 1 }
            let consumer = try PushConsumer(configuration) { message in
                heard.note(message)
                if message.text == "bad" { throw ConsumeAgain(delayLevel: 1) }
            }
            try await consuming(consumer) {
                try await eventually("the bad one came twice") {
                    heard.texts.count { $0 == "bad" } >= 2
                }
                try await eventually("it is dead") {
                    try await allMessages(system, "%DLQ%readers", queues: 1).map(\.text) == ["bad"]
                }
            }
            let bad = heard.messages.filter { $0.text == "bad" }
            #expect(bad.count == 2 && bad.last?.topic == "Orders" && bad.last?.reconsumeTimes == 1)
            #expect(bad.first?.id == bad.last?.id)
            #expect(heard.texts.count { $0 == "good" } == 1)
        }
    }

    @Test("batches hold messages of one queue, and what a batch leaves undone comes again")
    func batches() async throws {
        try await withSystem {
            $0.delay.levels = [100, 100, 100, 100]
        } _: { system in
            try await system.send((0..<10).map { "\($0)" }, key: "k")
            let heard = Mutex<[[String]]>([])
            let configuration = system.consumer { $0.handlerBatch = 8 }
            let consumer = try PushConsumer(batches: configuration) { messages in
                let isFirst = heard.withLock { heard in
                    heard.append(messages.map(\.text))
                    return heard.count == 1
                }
                if isFirst, messages.count > 1 {
                    throw ConsumeAgain(delayLevel: 1, from: messages.count - 1)
                }
            }
            try await consuming(consumer) {
                try await eventually("all are done") {
                    heard.withLock { $0.joined().count } >= 11
                }
            }
            let batches = heard.withLock { $0 }
            #expect(batches.allSatisfy { $0.count <= 8 } && batches.contains { $0.count > 1 })
            #expect(Set(batches.joined()) == Set((0..<10).map { "\($0)" }))
        }
    }

    @Test("pausing stops messages, and resuming lets them go on")
    func paused() async throws {
        try await withSystem { system in
            try await system.send(["1"])
            let heard = Heard()
            let consumer = try PushConsumer(system.consumer()) { heard.note($0) }
            try await consuming(consumer) {
                try await eventually("the first") { heard.count == 1 }
                consumer.pause()
                try await system.send(["2", "3"])
                try await Task.sleep(for: .milliseconds(300))
                #expect(heard.count == 1)
                consumer.resume()
                try await eventually("the others") { heard.count == 3 }
                try await eventually("progress says so") {
                    consumer.progress.reduce(0) { $0 + $1.consumedOffset } == 3
                }
                #expect(consumer.progress.allSatisfy { $0.lag == 0 && $0.heldMessages == 0 })
            }
        }
    }

    @Test("what is in hand at the end is finished and committed")
    func drained() async throws {
        try await withSystem { system in
            try await system.send(["slow"])
            let began = Heard()
            let ended = Heard()
            let consumer = try PushConsumer(system.consumer()) { message in
                began.note(message)
                try await Task.sleep(for: .milliseconds(300))
                ended.note(message)
            }
            try await consuming(consumer) {
                try await eventually("it is in hand") { began.count == 1 }
            }
            #expect(ended.count == 1)
            let next = Heard()
            try await consuming(PushConsumer(system.consumer()) { next.note($0) }) {
                try await system.send(["new"])
                try await eventually("the new one") { next.texts.contains("new") }
            }
            #expect(next.texts == ["new"])
        }
    }

    @Test("broadcasts go to every member, and each goes on where it was")
    func broadcast() async throws {
        try await withSystem { system in
            try await system.send(["1", "2"])
            func configuration(_ name: String) -> ConsumerConfiguration {
                system.consumer {
                    $0.model = .broadcasting
                    $0.offsetsDirectory = "\(system.directory.path)/offsets-\(name)"
                }
            }
            let one = Heard()
            let two = Heard()
            try await consuming(PushConsumer(configuration("one")) { one.note($0) }) {
                try await consuming(PushConsumer(configuration("two")) { two.note($0) }) {
                    try await eventually("both have both") { one.count == 2 && two.count == 2 }
                }
            }
            try await system.send(["3"])
            let again = Heard()
            try await consuming(PushConsumer(configuration("one")) { again.note($0) }) {
                try await eventually("the third") { again.count >= 1 }
            }
            #expect(again.texts == ["3"])
        }
    }
}

@Suite("A push consumer in order")
struct OrderedPushTests {
    @Test("messages of a key come in order, one at a time, and a failing one holds its queue up")
    func ordered() async throws {
        try await withSystem { system in
            try await system.send((0..<30).map { "\($0)" }, key: "k")
            let heard = Heard()
            let inHand = Mutex(0)
            let failures = Mutex(2)
            let configuration = system.consumer { $0.orderlyPause = .milliseconds(20) }
            let consumer = try PushConsumer(configuration, order: .perQueue) { message in
                let count = inHand.withLock { count in
                    count += 1
                    return count
                }
                defer { inHand.withLock { $0 -= 1 } }
                #expect(count == 1)
                await Task.yield()
                if message.text == "5" {
                    let fails = failures.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                    if fails { throw ConsumeAgain() }
                }
                heard.note(message)
            }
            try await consuming(consumer) {
                try await eventually("all came") { heard.count >= 30 }
            }
            #expect(heard.texts == (0..<30).map { "\($0)" })
        }
    }

    @Test("order holds while members come and go, and nothing comes twice")
    func handedOver() async throws {
        try await withSystem { system in
            try await system.send(["start"], key: "k")
            let heard = Heard()
            let handler: MessageHandler = { message in
                try await Task.sleep(for: .milliseconds(2))
                heard.note(message)
            }
            let first = try PushConsumer(system.consumer(), order: .perQueue, handler: handler)
            let second = try PushConsumer(system.consumer(), order: .perQueue, handler: handler)
            try await consuming(first) {
                async let sent = system.send((0..<100).map { "\($0)" }, key: "k")
                try await consuming(second) {
                    try await eventually("a part") { heard.count > 40 }
                }
                _ = try await sent
                try await eventually("all came") { heard.count >= 101 }
            }
            #expect(heard.texts == ["start"] + (0..<100).map { "\($0)" })
        }
    }

    @Test("broadcasts in order need no lock, and go on where no broker gives any")
    func broadcast() async throws {
        try await withSystem { system in
            try await system.send((0..<10).map { "\($0)" }, key: "k")
            let heard = Heard()
            let configuration = system.consumer {
                $0.model = .broadcasting
                $0.offsetsDirectory = "\(system.directory.path)/offsets"
            }
            let consumer = try PushConsumer(configuration, order: .perQueue) { heard.note($0) }
            try await consumer.running { consumer in
                try await eventually("all came") { heard.count == 10 }
                // Whatever becomes of locks.
                for held in consumer.member.heldQueues { held.locked(until: nil) }
                try await system.send(["last"], key: "k")
                try await eventually("the last") { heard.count == 11 }
            }
            #expect(heard.texts == (0..<10).map { "\($0)" } + ["last"])
        }
    }

    @Test("a message that fails too often goes to the dead letters, and its queue goes on")
    func dead() async throws {
        try await withSystem { system in
            try await system.send(["1", "bad", "2"], key: "k")
            let heard = Heard()
            let configuration = system.consumer {
                $0.orderlyPause = .milliseconds(5)
                $0.maximumRetries = 2
            }
            let consumer = try PushConsumer(configuration, order: .perQueue) { message in
                heard.note(message)
                if message.text == "bad" { throw ConsumeAgain() }
            }
            try await consuming(consumer) {
                try await eventually("the last came") { heard.texts.last == "2" }
                try await eventually("it is dead") {
                    try await allMessages(system, "%DLQ%readers", queues: 1).map(\.text) == ["bad"]
                }
            }
            #expect(heard.texts == ["1", "bad", "bad", "bad", "2"])
        }
    }
}
