// topicStatus: what the queues of a topic hold.

import ApusRemoting

enum TopicStatus: Command {
    static let name = "topicStatus"
    static let summary = "Prints the offsets of a topic's queues."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .valued("c", "cluster", "NAME", "ask the brokers of this cluster or topic"),
    ]
    static let examples = ["topicStatus -t Orders"]

    static func run(_ call: Call) async throws {
        let topic = try call.arguments.text("topic")
        // A cluster has a topic of its name on all its brokers.
        let route = try await call.admin.route(of: call.arguments["cluster"] ?? topic)
        var rows: [(key: QueueKey, value: JSON)] = []
        var rate = 0.0
        for address in route.readable {
            let found = try await call.attempt {
                try await call.admin.askForJSON(
                    address, to: "tell the offsets of the topic \(topic)", .getTopicStatsInfo,
                    ["topic": topic])
            }
            rows += found?["offsetTable"]?.byQueue ?? []
            rate += found?["topicPutTps"]?.double ?? 0
        }
        rows.sort { $0.key < $1.key }
        if rows.isEmpty, call.tally.failures == 0 {
            throw AdminError.absent(
                "the topic \(topic) has no queues",
                advice: "mqadmin updateTopic gives it some")
        }
        call.isJSON ? call.print(json(topic, rows, rate)) : show(rows, rate, call)
    }

    private static func show(
        _ rows: [(key: QueueKey, value: JSON)], _ rate: Double, _ call: Call
    ) {
        call.line(table.heading)
        for (queue, numbers) in rows {
            let time = numbers["lastUpdateTimestamp"]?.int64 ?? 0
            call.line(
                table.line([
                    queue.broker, "\(queue.id)", "\(numbers["minOffset"]?.int64 ?? 0)",
                    "\(numbers["maxOffset"]?.int64 ?? 0)", time > 0 ? TimeText().fine(time) : "",
                ]))
        }
        call.line()
        call.line("Topic Put TPS: \(rate)")
    }

    private static func json(
        _ topic: String, _ rows: [(key: QueueKey, value: JSON)], _ rate: Double
    ) -> JSON {
        let queues = rows.map { queue, numbers -> JSON in
            let members: JSONObject = [
                "brokerName": .string(queue.broker), "queueId": .integer(Int64(queue.id)),
                "minOffset": .integer(numbers["minOffset"]?.int64 ?? 0),
                "maxOffset": .integer(numbers["maxOffset"]?.int64 ?? 0),
                "lastUpdateTimestamp": .integer(numbers["lastUpdateTimestamp"]?.int64 ?? 0),
            ]
            return .object(members)
        }
        let members: JSONObject = [
            "topic": .string(topic), "queues": .array(queues), "topicPutTps": .double(rate),
        ]
        return .object(members)
    }

    private static let table = TextTable(
        .left("#Broker Name", 32), .left("#QID", 4), .left("#Min Offset", 20),
        .left("#Max Offset", 20, gap: 4), .left("#Last Updated", 0))
}
