// brokerConsumeStats: how far all groups are at one broker.

import ApusRemoting

enum BrokerConsumeStats: Command {
    static let name = "brokerConsumeStats"
    static let summary = "Prints how far all groups are at a broker."
    static let flags: [Flag] = [
        .required("b", "brokerAddr", "ADDRESS", "the broker"),
        .valued("t", "timeoutMillis", "NUMBER", "how long its answer may take, 50000"),
        .valued("l", "level", "NUMBER", "only queues that a group is so many messages behind in"),
        .valued("o", "order", "BOOL", "ordered topics only, false"),
    ]
    static let examples = ["brokerConsumeStats -b localhost:10911 -l 1000"]

    static func run(_ call: Call) async throws {
        let address = try call.arguments.text("brokerAddr")
        let patience: Int64 = try call.arguments.number("timeoutMillis", 1...3_600_000) ?? 50_000
        let level: Int64 = try call.arguments.number("level") ?? 0
        let isOrdered = try call.arguments.truth("order") ?? false
        let wish = "tell how far all groups are"
        let answer = try await call.admin.ask(
            address, to: wish, .getBrokerConsumeStats, ["isOrder": "\(isOrdered)"],
            timeout: .milliseconds(patience))
        let json = try Admin.json(answer, wish, address)
        // One object for each group, with a table for each of its topics.
        let groups = (json["consumeStatsList"]?.array ?? []).flatMap { $0.object?.members ?? [] }
        var list: [JSON] = []
        if !call.isJSON { call.line(table.heading) }
        for group in groups {
            var statistics = ConsumeStatistics()
            for topic in group.value.array ?? [] { statistics.add(topic) }
            // As in RocketMQ's list, without queues that a group has consumed nothing of.
            for row in statistics.rows where row.difference >= level && row.lastTimestamp > 0 {
                call.isJSON
                    ? list.append(self.json(group.name, row))
                    : call.line(table.line(cells(group.name, row)))
            }
        }
        let total = json["totalDiff"]?.int64 ?? 0
        if call.isJSON {
            let members: JSONObject = ["queues": .array(list), "diffTotal": .integer(total)]
            return call.print(.object(members))
        }
        call.line()
        call.line("Diff Total: \(total)")
    }

    private static func cells(_ group: String, _ row: ConsumeStatistics.Row) -> [String] {
        [
            row.queue.topic, group, row.queue.broker, "\(row.queue.id)", "\(row.brokerOffset)",
            "\(row.consumerOffset)", "\(row.difference)", TimeText().text(row.lastTimestamp),
        ]
    }

    private static func json(_ group: String, _ row: ConsumeStatistics.Row) -> JSON {
        let members: JSONObject = [
            "topic": .string(row.queue.topic), "groupName": .string(group),
            "brokerName": .string(row.queue.broker), "queueId": .integer(Int64(row.queue.id)),
            "brokerOffset": .integer(row.brokerOffset),
            "consumerOffset": .integer(row.consumerOffset), "diff": .integer(row.difference),
            "lastTimestamp": .integer(row.lastTimestamp),
        ]
        return .object(members)
    }

    private static let table = TextTable(
        .left("#Topic", 64), .left("#Group", 64), .left("#Broker Name", 32), .left("#QID", 4),
        .left("#Broker Offset", 20), .left("#Consumer Offset", 20), .left("#Diff", 20),
        .left("#LastTime", 0))
}
