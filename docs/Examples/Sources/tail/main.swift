// Follows a topic, as `tail -f` does a file: a pull consumer reads the queues that it is assigned,
// from their ends on. It belongs to no group that shares queues, and commits nothing.

import ApusClient
import Example

await example {
    let topic = fresh("Log")
    let producer = try Producer(ProducerConfiguration(client))
    let consumer = try PullConsumer(ConsumerConfiguration(client, group: fresh("tail")))

    try await producer.running { producer in
        for number in 1...10 { try await producer.send(Message("old line \(number)", to: topic)) }

        try await consumer.running { consumer in
            let queues = try await consumer.queues(of: topic)
            try consumer.assign(queues)
            // Queues are taken in the background, and can be sought in when they are.
            while consumer.assignment != queues { try await Task.sleep(for: .milliseconds(10)) }
            for queue in queues { try await consumer.seekToEnd(of: queue) }
            print("following \(queues.count) queues of \(topic)")

            let lines = ["new line 1", "new line 2", "new line 3"]
            for line in lines { try await producer.send(Message(line, to: topic)) }
            var seen: [String] = []
            for await message in consumer.messages {
                print("\(message.queue.id):\(message.queueOffset) \(message.text)")
                seen.append(message.text)
                if seen.count == lines.count { break }
            }
            try expect(seen.sorted() == lines, "new lines only")
        }
    }
}
