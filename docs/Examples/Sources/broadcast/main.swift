// Fan-out: each member of a broadcasting group gets every message. A member keeps its own offsets
// in a directory, and goes on from there after a restart.

import ApusClient
import Example

await example {
    let topic = fresh("Prices")
    let group = fresh("caches")
    let prices = ["tea 3", "coffee 4", "cake 5", "scone 2"]
    let members = ["north", "south"]
    let inboxes = members.map { _ in Inbox() }

    let consumers = try zip(members, inboxes).map { name, inbox in
        var settings = ConsumerConfiguration(client, group: group, Subscription(topic))
        settings.model = .broadcasting
        settings.offsetsDirectory = scratchDirectory("offsets-\(name)")
        settings.start = .first
        return try PushConsumer(settings) { message in
            print("\(name) heard \(message.text)")
            inbox.put(message.text)
        }
    }
    let running = consumers.map { consumer in Task { try await consumer.run() } }

    try await Producer(ProducerConfiguration(client)).running { producer in
        for price in prices { try await producer.send(Message(price, to: topic)) }
    }

    for (name, inbox) in zip(members, inboxes) {
        let heard = try await inbox.wait(for: prices.count, "prices")
        try expect(heard.sorted() == prices.sorted(), "\(name) has all \(prices.count)")
    }
    for consumer in consumers { consumer.stop() }
    for task in running { try await task.value }
}
