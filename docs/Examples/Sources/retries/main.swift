// A worker whose handler fails sometimes: what it throws for comes again after a second, and what
// fails too often goes to the group's dead letters, which another consumer reads.

import ApusClient
import Example

await example {
    let topic = fresh("Pictures")
    let group = fresh("painters")
    let done = Inbox()
    let dead = Inbox()

    var settings = ConsumerConfiguration(client, group: group, Subscription(topic))
    settings.start = .first
    settings.maximumRetries = 2
    let worker = try PushConsumer(settings) { message in
        print("\(message.text): attempt \(message.reconsumeTimes + 1)")
        let isTooEarly = message.text == "far.png" && message.reconsumeTimes == 0
        if isTooEarly || message.text == "broken.png" {
            // Any error would do, and the message come again after 10 seconds, then later and
            // later. Level 1 is 1 second.
            throw ConsumeAgain(delayLevel: 1)
        }
        done.put(message.text)
    }
    var letters = ConsumerConfiguration(
        client, group: fresh("undertakers"), Subscription("%DLQ%\(group)"))
    letters.start = .first
    let reader = try PushConsumer(letters) { message in dead.put(message.text) }
    let running = [worker, reader].map { consumer in Task { try await consumer.run() } }

    try await Producer(ProducerConfiguration(client)).running { producer in
        for name in ["near.png", "far.png", "broken.png"] {
            try await producer.send(Message(name, to: topic))
        }
    }

    let pictures = try await done.wait(for: 2, "pictures")
    print("done: \(pictures.joined(separator: ", "))")
    let letter = try await dead.wait(for: 1, "dead letters")
    print("dead letter: \(letter.joined(separator: ", "))")
    for consumer in [worker, reader] { consumer.stop() }
    for task in running { try await task.value }
}
