// queryCq: the entries of a ConsumeQueue.

import ApusRemoting
import ApusServer

enum QueryConsumeQueue: Command {
    static let name = "queryCq"
    static let summary = "Prints entries of a ConsumeQueue."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("q", "queue", "ID", "the queue"),
        .required("i", "index", "NUMBER", "the first entry, by its queue offset"),
        .valued("c", "count", "COUNT", "how many, 10"),
        .valued("b", "broker", "ADDRESS", "at this broker; the first that has the topic"),
        .valued("g", "consumer", "NAME", "with what this group subscribes to"),
    ]
    static let examples = ["queryCq -t Orders -q 0 -i 0 -c 5"]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let topic = try arguments.text("topic")
        let queue: Int32 = try arguments.number("queue", 0...Int32.max) ?? 0
        let index: Int64 = try arguments.number("index", 0...Int64.max) ?? 0
        let count: Int32 = try arguments.number("count", 1...Int32.max) ?? 10
        let address: String
        if let given = arguments["broker"] {
            address = given
        } else {
            guard let master = try await call.admin.route(of: topic).brokers.first?.readable else {
                throw AdminError.absent(
                    "no broker has the topic \(topic)",
                    advice: "mqadmin topicRoute -t \(topic) shows its route")
            }
            address = master
        }
        var fields: HeaderFields = [
            "topic": topic, "queueId": "\(queue)", "index": "\(index)", "count": "\(count)",
        ]
        if let group = arguments["consumer"] { fields["consumerGroup"] = group }
        let json = try await call.admin.askForJSON(
            address, to: "tell the entries of queue \(queue) of \(topic)", .queryConsumeQueue,
            fields)
        call.isJSON ? call.print(json) : show(json, from: index, call)
    }

    private static func show(_ json: JSON, from index: Int64, _ call: Call) {
        let divider = String(repeating: "=", count: 38)
        if let subscription = json["subscriptionData"] {
            call.line("Subscription data:")
            call.print(subscription, .fastjsonPretty)
            call.line(divider)
        }
        if let filter = json["filterData"]?.string {
            call.line("Filter data:")
            call.line(filter)
            call.line(divider)
        }
        call.line("Queue data:")
        call.line(
            "max: \(json["maxQueueIndex"]?.int64 ?? 0), min: \(json["minQueueIndex"]?.int64 ?? 0)")
        call.line(divider)
        for (place, entry) in (json["queueData"]?.array ?? []).enumerated() {
            func text(_ name: String) -> String { entry[name]?.string ?? "null" }
            call.line("idx: \(index.saturatingAdd(Int64(place)))")
            call.line(
                "ConsumeQueueData{physicOffset=\(text("physicOffset")), physicSize="
                    + "\(text("physicSize")), tagsCode=\(text("tagsCode")), extendDataJson='"
                    + "\(text("extendDataJson"))', bitMap='\(text("bitMap"))', eval="
                    + "\(entry["eval"]?.string ?? "false"), msg='\(text("msg"))'}")
            call.line(divider)
        }
    }
}
