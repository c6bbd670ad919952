// Tables by queue: what brokers answer of topics and groups. Their keys are objects, as fastjson
// writes Java's maps.

import ApusFormat
import ApusRemoting
import ApusServer

/// A queue of a topic at a broker.
struct QueueKey: Hashable, Sendable, Comparable {
    let topic: String
    let broker: String
    let id: Int32

    init(topic: String, broker: String, id: Int32) {
        self.topic = topic
        self.broker = broker
        self.id = id
    }

    /// Of `{"brokerName":…,"queueId":…,"topic":…}`.
    init?(_ json: JSON) {
        guard let topic = json["topic"]?.string, let broker = json["brokerName"]?.string,
            let id = json["queueId"]?.int32
        else { return nil }
        self.init(topic: topic, broker: broker, id: id)
    }

    static func < (one: QueueKey, other: QueueKey) -> Bool {
        (one.topic, one.broker, one.id) < (other.topic, other.broker, other.id)
    }

    /// In RocketMQ's words.
    var text: String { "MessageQueue [topic=\(topic), brokerName=\(broker), queueId=\(id)]" }
}

extension JSON {
    /// A table by queue, sorted. Members whose name is no queue are left out.
    var byQueue: [(key: QueueKey, value: JSON)] {
        (object?.members ?? []).compactMap { member -> (key: QueueKey, value: JSON)? in
            guard let name = try? JSON(parsing: member.name), let key = QueueKey(name) else {
                return nil
            }
            return (key, member.value)
        }.sorted { $0.key < $1.key }
    }
}

/// How far a group is in its queues.
struct ConsumeStatistics: Sendable {
    struct Row: Sendable {
        let queue: QueueKey
        let brokerOffset: Int64
        let consumerOffset: Int64
        let pullOffset: Int64
        /// When the last message that was consumed had been stored; 0 when nobody knows.
        let lastTimestamp: Int64

        var difference: Int64 { brokerOffset.saturatingSubtract(consumerOffset) }
        var inFlight: Int64 { pullOffset.saturatingSubtract(consumerOffset) }
    }

    var rows: [Row] = []
    /// Messages a second.
    var rate = 0.0
    /// Why brokers are missing in it.
    var failures: [AdminError] = []

    var difference: Int64 { rows.reduce(0) { $0.saturatingAdd($1.difference) } }
    var inFlight: Int64 { rows.reduce(0) { $0.saturatingAdd($1.inFlight) } }

    /// Adds what one broker told.
    mutating func add(_ json: JSON) {
        for (queue, numbers) in json["offsetTable"]?.byQueue ?? [] {
            let consumed = numbers["consumerOffset"]?.int64 ?? 0
            rows.append(
                Row(
                    queue: queue, brokerOffset: numbers["brokerOffset"]?.int64 ?? 0,
                    consumerOffset: consumed,
                    // Before 5.0 there is none.
                    pullOffset: numbers["pullOffset"]?.int64 ?? consumed,
                    lastTimestamp: numbers["lastTimestamp"]?.int64 ?? 0))
        }
        rows.sort { $0.queue < $1.queue }
        rate += json["consumeTps"]?.double ?? 0
    }
}

extension Admin {
    /// How far a group is, in one topic or in all. Its brokers are those of its retry topic, or
    /// else of the topic; one of them answers at least, unless there are none.
    func consumeStatistics(
        group: String, topic: String? = nil
    ) async throws(AdminError) -> ConsumeStatistics {
        let route = try await route(
            ofAnyOf: [TopicName.retryTopic(of: group)] + (topic.map { [$0] } ?? []))
        var statistics = ConsumeStatistics()
        var fields: HeaderFields = ["consumerGroup": group]
        if let topic { fields["topic"] = topic }
        for address in route.readable {
            do throws(AdminError) {
                statistics.add(
                    try await askForJSON(
                        address, to: "tell how far the group \(group) is", .getConsumeStats,
                        fields))
            } catch {
                statistics.failures.append(error)
            }
        }
        if statistics.failures.count == route.readable.count, let first = statistics.failures.first
        {
            throw first
        }
        return statistics
    }

    /// The groups that consume a topic, as the first broker that answers knows.
    func groups(consuming topic: String, _ route: Route) async throws(AdminError) -> [String] {
        let json = try await askFirst(
            route.readable, to: "tell who consumes the topic \(topic)", .queryTopicConsumeByWho,
            ["topic": topic])
        return (json["groupList"]?.array ?? []).compactMap(\.string).sorted()
    }

    /// Asks one address after the other until one answers with success.
    func askFirst(
        _ addresses: [String], to wish: String, _ code: RequestCode, _ fields: HeaderFields
    ) async throws(AdminError) -> JSON {
        var last = AdminError.absent(
            "there is no broker to \(wish)", advice: "mqadmin clusterList shows the brokers")
        for address in addresses {
            do throws(AdminError) {
                return try await askForJSON(address, to: wish, code, fields)
            } catch {
                last = error
            }
        }
        throw last
    }
}
