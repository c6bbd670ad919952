// Events of orders, consumed in the order in which they happened: those of one order share a queue
// by its sharding key, and a consumer in order handles one message of a queue at a time.

import ApusClient
import Example

await example {
    let topic = fresh("OrderEvents")
    let orders = ["order-1", "order-2", "order-3"]
    let events = ["created", "paid", "shipped"]
    let handled = Inbox()

    var settings = ConsumerConfiguration(client, group: fresh("shipping"), Subscription(topic))
    settings.start = .first
    let consumer = try PushConsumer(settings, order: .perQueue) { message in
        print("handled \(message.text), number \(message.queueOffset) of \(message.queue)")
        handled.put(message.text)
    }
    let running = Task { try await consumer.run() }

    try await Producer(ProducerConfiguration(client)).running { producer in
        for event in events {
            for order in orders {
                let message = Message("\(order) \(event)", to: topic, tag: event, keys: [order])
                try await producer.send(message, shardingKey: order)
            }
        }
    }

    let all = try await handled.wait(for: orders.count * events.count, "events")
    consumer.stop()
    try await running.value
    for order in orders {
        let own = all.filter { $0.hasPrefix(order) }
        try expect(own == events.map { "\(order) \($0)" }, "\(order): order kept")
    }
}
