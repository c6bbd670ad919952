// queryMsgByKey: messages by a key that their producer gave them.

import ApusFormat
import ApusRemoting

enum QueryByKey: Command {
    static let name = "queryMsgByKey"
    static let summary = "Lists the messages with a key."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("k", "msgKey", "TEXT", "the key"),
        .valued("b", "beginTimestamp", "TIME", "stored then or later, milliseconds"),
        .valued("e", "endTimestamp", "TIME", "stored then or before, milliseconds"),
        .valued("m", "maxNum", "COUNT", "at most so many of each broker, 64"),
        .valued("c", "cluster", "NAME", "taken for RocketMQ's sake; without effect"),
    ]
    static let examples = ["queryMsgByKey -t Orders -k order-17"]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let (topic, key) = (try arguments.text("topic"), try arguments.text("msgKey"))
        let count: Int32 = try arguments.number("maxNum", 1...Int32.max) ?? 64
        let now = TimeText.now
        let begin = try arguments.moment("beginTimestamp", now: now) ?? 0
        let end = try arguments.moment("endTimestamp", now: now) ?? Int64.max
        guard begin <= end else { throw UsageError("--beginTimestamp is behind --endTimestamp") }
        let found = try await call.messages(
            key: key, of: topic, count: count, between: begin...end)
        if found.isEmpty { throw Call.nothing("the key \(key)", topic) }
        if call.isJSON { return call.print(.array(found.map { $0.json() })) }
        call.line(table.heading)
        for message in found {
            call.line(
                table.line([
                    message.id, "\(message.fields.queueID)", "\(message.fields.queueOffset)",
                ]))
        }
    }

    private static let table = TextTable(
        .left("#Message ID", 50, gap: 1), .right("#QID", 4, gap: 1), .right("#Offset", 40))
}
