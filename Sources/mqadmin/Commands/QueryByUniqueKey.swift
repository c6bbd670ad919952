// queryMsgByUniqueKey: messages by the id that their producer gave them.

import ApusRemoting

enum QueryByUniqueKey: Command {
    static let name = "queryMsgByUniqueKey"
    static let summary = "Prints a message by the id that its producer gave it."
    static let flags: [Flag] = [
        .required("i", "msgId", "ID", "the id"),
        .required("t", "topic", "NAME", "the topic"),
        .valued("g", "consumerGroup", "NAME", "with -d: have a client of this group consume it"),
        .valued("d", "clientId", "ID", "with -g: this client"),
        .plain("a", "showAll", "all messages with the id, 32 at most, and not only the first"),
        .valued("c", "cluster", "NAME", "taken for RocketMQ's sake; without effect"),
    ]
    static let examples = ["queryMsgByUniqueKey -t Orders -i 7F0000010A2F18B4AAC2A4F3C6E80000"]

    static func run(_ call: Call) async throws {
        let (id, topic) = (try call.arguments.text("msgId"), try call.arguments.text("topic"))
        if let client = try ConsumingClient(call.arguments) {
            let json = try await client.consume(id, topic, call)
            return call.isJSON ? call.print(json) : ()
        }
        let found = try await call.messages(unique: id, of: topic)
        if found.isEmpty { throw Call.nothing("the id \(id)", topic) }
        var list: [JSON] = []
        for message in found.prefix(call.arguments.has("showAll") ? found.count : 1) {
            list.append(try await call.show(message, .text, withOffsetID: false))
        }
        if call.isJSON { call.print(.array(list)) }
    }
}
