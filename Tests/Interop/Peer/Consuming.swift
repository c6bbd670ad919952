// The consumer's side.

import ApusClient
import Synchronization

/// A message that has come.
struct Consumed: Encodable {
    let body: String
    let tag: String?
    let keys: [String]
    let id: String
    let queue: Int32
    let offset: Int64
    let reconsume: Int32
    /// Why the body is still compressed, if so.
    let problem: String?

    init(_ message: ReceivedMessage) {
        body = message.text
        tag = message.tag
        keys = message.keys
        id = message.id
        queue = message.queue.id
        offset = message.queueOffset
        reconsume = message.reconsumeTimes
        problem = message.bodyError.map { "\($0)" }
    }
}

/// Consumes until there were so many messages, the time is over, or standard input ends. What is in
/// hand by then is still handled, and told.
struct Consuming {
    let configuration: ConsumerConfiguration
    let isOrdered: Bool
    let count: Int?
    let timeout: Int?

    init(_ options: Options) throws {
        configuration = ConsumerConfiguration(
            try options.client(), group: try options.required("group"),
            Subscription(try options.required("topic"), tags: options["tags"] ?? "*"))
        isOrdered = options.has("ordered")
        count = try options.optionalNumber("count")
        timeout = try options.optionalNumber("timeout")
    }

    /// Whether as many came as were asked for, when a number was.
    func run() async throws -> Bool {
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        let told = Told()
        let consumer = try PushConsumer(
            configuration, order: isOrdered ? .perQueue : .concurrent
        ) { message in
            Lines.say(Consumed(message))
            if told.next() == count { end.yield(true) }
        }
        Lines.atEndOfInput { end.yield(count == nil) }
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            if let timeout {
                tasks.addTask {
                    try? await Task.sleep(for: .seconds(timeout))
                    end.yield(count == nil)
                }
            }
            let isGood = await ends.first { _ in true } ?? false
            consumer.stop()
            tasks.cancelAll()
            try await tasks.waitForAll()
            return isGood
        }
    }
}

/// How many were told.
private final class Told: Sendable {
    private let count = Atomic(0)

    /// With this one.
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
