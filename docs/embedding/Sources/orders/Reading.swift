// The ways to read.

import ApusFormat
import ApusStore

/// Copies, in the order of the queue.
func readInOrder(_ store: MessageStore, _ orders: MessageQueue, from start: Int64) throws {
    let bodies = try store.read(orders, from: start).messages().map(text)
    expect(
        bodies == ["one tea", "one cake", "one coffee", "one scone", "one bun"],
        "in order: \(bodies.joined(separator: ", "))")
    let drinks = try store.read(orders, from: start, filter: TagFilter("drink")).messages()
    expect(drinks.map(text) == ["one tea"], "the drinks: \(drinks.count)")
}

/// The newest message with a key.
func readByKey(_ store: MessageStore) throws {
    let found = try store.messages(topic: "Orders", key: "order-1", limit: 1)
    expect(found.map(text) == ["one tea"], "by key: \(found.map(text))")
}

/// Records where they lie in the log: nothing is copied while the batch lives.
func readInPlace(_ store: MessageStore, _ orders: MessageQueue, from start: Int64) throws {
    let batch = try store.read(orders, from: start)
    var byteCount = 0
    batch.forEach { record in byteCount += record.body.byteCount }
    expect(byteCount == 41, "in place: \(batch.count) bodies of \(byteCount) bytes")
}

/// What comes next, in a task that suspends and in a thread that waits.
func waitForNext(_ store: MessageStore, _ orders: MessageQueue) async throws {
    let next = try store.maximumOffset(orders)
    let isThere = try store.wait(for: orders, offset: next, timeoutMilliseconds: 1)
    expect(!isThere, "nothing comes by itself")

    let reader = Task {
        var seen: [String] = []
        for try await message in store.messages(in: orders, from: next) {
            seen.append(text(message))
            if seen.count == 2 { break }
        }
        return seen
    }
    for order in ["one jam", "one more tea"] {
        try await store.append(Message(topic: "Orders", queueID: 1, body: Array(order.utf8)))
    }
    let seen = try await reader.value
    expect(seen == ["one jam", "one more tea"], "as they come: \(seen.joined(separator: ", "))")
    // A thread of your own can wait, too; the second order is there already.
    let isSecond = try store.wait(for: orders, offset: next + 1, timeoutMilliseconds: 1_000)
    expect(isSecond, "a wait for what is there ends at once")
}

func text(_ message: StoredMessage) -> String { String(decoding: message.body, as: UTF8.self) }
