// queryMsgByOffset: the message at an offset of a queue.

import ApusFormat
import ApusRemoting

enum QueryByOffset: Command {
    static let name = "queryMsgByOffset"
    static let summary = "Prints the message at an offset of a queue."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("b", "brokerName", "NAME", "the broker, by its name"),
        .required("i", "queueId", "ID", "the queue"),
        .required("o", "offset", "NUMBER", "the offset"),
        .valued("f", "bodyFormat", "NAME", "bodies as UTF-8, or as hex"),
    ]
    static let examples = ["queryMsgByOffset -t Orders -b broker-a -i 0 -o 17"]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let topic = try arguments.text("topic")
        let broker = try arguments.text("brokerName")
        let queue: Int32 = try arguments.number("queueId", 0...Int32.max) ?? 0
        let offset: Int64 = try arguments.number("offset", 0...Int64.max) ?? 0
        let format = try BodyFormat(arguments["bodyFormat"])
        guard let place = try await call.admin.queues(of: topic, (broker, queue)).first?.place
        else { return }
        let answer = try await call.admin.pull(
            place, from: offset, count: 1, group: SystemName.toolsGroup)
        guard let message = answer.messages.first, message.fields.queueOffset == offset else {
            throw AdminError.absent(
                "queue \(queue) of \(topic) at \(broker) has no message at offset \(offset)",
                advice: "mqadmin topicStatus -t \(topic) shows the offsets")
        }
        let json = try await call.show(message, format)
        if call.isJSON { call.print(json) }
    }
}
