// A queue in JSON, as requests, answers and files have it: the one place that knows its names.

internal import ApusRemoting

extension MessageQueue {
    /// Its members in RocketMQ's order.
    var json: JSONObject {
        [
            "brokerName": .string(broker), "queueId": .integer(Int64(id)), "topic": .string(topic),
        ]
    }

    /// Nil where one of them is missing.
    init?(_ json: JSON) {
        guard let topic = json["topic"]?.string, let broker = json["brokerName"]?.string,
            let id = json["queueId"]?.int32
        else { return nil }
        self.init(topic: topic, broker: broker, id: id)
    }
}
