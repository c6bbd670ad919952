// Reminders: a message with a delay level is stored at once and delivered later. The broker has a
// list of delays: level 1 is 1 second, level 2 is 5 seconds, up to level 18, which is 2 hours.

import ApusClient
import Example

await example {
    let topic = fresh("Reminders")
    let rung = Inbox()

    var settings = ConsumerConfiguration(client, group: fresh("bells"), Subscription(topic))
    settings.start = .first
    let consumer = try PushConsumer(settings) { message in
        let late = Double(wallMilliseconds - message.bornTimestamp) / 1000
        print("\(message.text): rang \(late) s after it was sent")
        rung.put(message.text)
    }
    let running = Task { try await consumer.run() }

    try await Producer(ProducerConfiguration(client)).running { producer in
        try await producer.send(Message("now", to: topic))
        _ = try await rung.wait(for: 1, "reminders")  // The consumer is there.

        for (text, level) in [("in 5 seconds", 2), ("in 1 second", 1)] {
            var message = Message(text, to: topic)
            message.delayLevel = level
            try await producer.send(message)
            print("\(text): sent")
        }
    }

    let all = try await rung.wait(for: 3, "reminders")
    consumer.stop()
    try await running.value
    try expect(all == ["now", "in 1 second", "in 5 seconds"], "each at its time")
}
