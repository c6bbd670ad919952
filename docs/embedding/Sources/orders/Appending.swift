// The ways to append.

import ApusFormat
import ApusStore

/// One message, with tags and a key to find it by.
func appendOne(to store: MessageStore) throws {
    let result = try store.append(
        Message(
            topic: "Orders", queueID: 1, body: Array("one tea".utf8), tags: "drink",
            keys: ["order-1"]))
    expect(result.status == .stored, "order \(result.queueOffset) is \(result.messageID)")
}

/// The fastest way: the body's bytes are copied once, into the log. `span.bytes` lends the bytes of
/// an array for the call.
func appendInPlace(to store: MessageStore, _ orders: MessageQueue) throws {
    let body = Array("one cake".utf8)
    let properties = Properties.encode([Property(name: PropertyName.tags, value: "food")])
    let result = try store.append(
        to: orders, body: body.span.bytes, properties: properties.span.bytes)
    expect(result.byteCount > body.count, "order \(result.queueOffset) was not copied twice")
}

/// Several messages of one queue: one behind the other, all or none.
func appendBatch(to store: MessageStore) throws {
    let batch = ["one coffee", "one scone", "one bun"].map {
        Message(topic: "Orders", queueID: 1, body: Array($0.utf8), tags: "food")
    }
    let result = try store.append(batch: batch)
    expect(result.count == 3, "orders from \(result.first.queueOffset) on came as a batch of three")
}
