// GET_TOPIC_STATS_INFO (202) and GET_CONSUME_STATS (208): what the queues hold, and how far a group
// has come in them.
//
// The keys of both tables are objects, which is no JSON, but what fastjson writes and expects.

import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    func topicStatistics(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("topic")
        guard let topic = state.topics.topic(name) else {
            throw Refusal(.topicNotExist, "topic[\(name)] not exist")
        }
        var table = QueueTableWriter(brokerName: configuration.name)
        for id in topic.settings.writeQueueIDs {
            let queue = try existingQueue(topic: name, id: id)
            let (low, high, time) =
                try queue.map { (queue) throws(Refusal) in
                    try bounds(queue)
                } ?? (0, 0, 0)
            table.append(
                topic: name, queue: id,
                ["lastUpdateTimestamp": time, "maxOffset": high, "minOffset": low])
        }
        return Response(
            .success, body: table.end("\"topicPutTps\":\(traffic.rate(.topicPut(name)))"))
    }

    func consumeStatistics(_ command: RemotingCommand) throws(Refusal) -> Response {
        let group = try command.fields.requiredText("consumerGroup")
        let wanted = command.fields["topic"].flatMap { $0.isEmpty ? nil : $0 }
        let topics = wanted.map { [$0] } ?? state.offsets.topics(ofGroup: group).sorted()
        var table = QueueTableWriter(brokerName: configuration.name)
        var rate = 0.0
        for name in topics {
            guard let topic = state.topics.topic(name), isConsumed(name, by: group) else {
                continue
            }
            for id in topic.settings.readQueueIDs {
                try append(topic: name, queue: id, group: group, to: &table)
            }
            rate += traffic.rate(.groupGet(OffsetTable.Key(topic: name, group: group)))
        }
        return Response(.success, body: table.end("\"consumeTps\":\(rate)"))
    }

    /// Adds a group's queue to a table. Answers how many messages the group is behind.
    @discardableResult
    func append(
        topic: String, queue id: Int32, group: String, to table: inout QueueTableWriter
    ) throws(Refusal) -> Int64 {
        let reached = max(0, state.offsets.offset(group: group, topic: topic, queue: id) ?? 0)
        var end: Int64 = 0
        var time: Int64 = 0
        if let queue = try existingQueue(topic: topic, id: id) {
            end = try bounds(queue).1
            if reached > 0 { time = storeTime(queue, at: reached - 1) }
        }
        table.append(
            topic: topic, queue: id,
            [
                "brokerOffset": end, "consumerOffset": reached, "lastTimestamp": time,
                "pullOffset": reached,
            ])
        return end - reached
    }

    /// A group that is connected consumes what it subscribes to; of one that is not, nobody knows.
    func isConsumed(_ topic: String, by group: String) -> Bool {
        clients.withLock {
            $0.consumers[group]?.subscriptions[topic] != nil || $0.consumers[group] == nil
        }
    }

    /// The first offset, the next one, and when the last message was stored.
    func bounds(_ queue: MessageQueue) throws(Refusal) -> (Int64, Int64, Int64) {
        let (low, high) = try Refusal.store { () throws(StoreError) in
            (try store.minimumOffset(queue), try store.maximumOffset(queue))
        }
        return (low, high, high > low ? storeTime(queue, at: high - 1) : 0)
    }

    /// When a message was stored; 0 when it cannot be read.
    func storeTime(_ queue: MessageQueue, at offset: Int64) -> Int64 {
        var time: Int64 = 0
        (try? store.read(queue, from: offset, count: 1))?.forEach { time = $0.storeTimestamp }
        return time
    }
}

/// Writes `{"offsetTable":{{"brokerName":…,"queueId":…,"topic":…}:{…},…},…}`.
struct QueueTableWriter {
    private var bytes = Array("{\"offsetTable\":{".utf8)
    private var isFirst = true
    private let brokerName: String

    init(brokerName: String) { self.brokerName = brokerName }

    mutating func append(topic: String, queue: Int32, _ numbers: KeyValuePairs<String, Int64>) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        let key: JSONObject = [
            "brokerName": .string(brokerName), "queueId": .integer(Int64(queue)),
            "topic": .string(topic),
        ]
        JSON.object(key).write(into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        JSON.object(JSONObject(numbers.map { ($0.key, .integer($0.value)) })).write(into: &bytes)
    }

    func end(_ rest: String) -> [UInt8] { bytes + Array("},\(rest)}".utf8) }
}
