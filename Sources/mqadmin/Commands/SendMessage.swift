// sendMessage: sends one message.

import ApusFormat
import ApusRemoting

enum SendMessage: Command {
    static let name = "sendMessage"
    static let summary = "Sends a message."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("p", "body", "TEXT", "the body"),
        .valued("k", "key", "TEXT", "keys, with blanks between them"),
        .valued("c", "tags", "TEXT", "the tag"),
        .valued("b", "broker", "NAME", "to this broker, by its name"),
        .valued("i", "qid", "ID", "with -b: to this queue"),
        .valued("m", "msgTraceEnable", "BOOL", "false: nothing is traced here"),
    ]
    static let examples = [
        "sendMessage -t Orders -p hello",
        "sendMessage -t Orders -p hello -c paid -k order-17 -b broker-a -i 0",
    ]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let queue: Int32? = try arguments.number("qid", 0...Int32.max)
        if queue != nil, !arguments.has("broker") {
            throw UsageError("-i (--qid) wants -b (--broker) as well")
        }
        if try arguments.truth("msgTraceEnable") == true {
            throw UsageError("messages are not traced here: leave -m (--msgTraceEnable) out")
        }
        var properties: [Property] = []
        for (flag, name) in [("key", PropertyName.keys), ("tags", PropertyName.tags)] {
            if let value = arguments[flag] {
                properties.append(Property(name: name, value: value))
            }
        }
        properties.append(Property(name: PropertyName.waitsForStore, value: "true"))
        let draft = Draft(
            topic: try arguments.text("topic"), body: Array(try arguments.text("body").utf8),
            properties: properties)
        let outcome = try await call.admin.send(
            draft, to: arguments["broker"].map { ($0, queue) })
        if call.isJSON { return call.print(outcome.json) }
        call.line(SendOutcome.table.heading)
        call.line(SendOutcome.table.line(outcome.cells))
    }
}
