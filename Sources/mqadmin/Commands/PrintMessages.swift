// printMsg: prints all messages of a topic.

import ApusRemoting

enum PrintMessages: Command {
    static let name = "printMsg"
    static let summary = "Prints the messages of a topic."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .valued("c", "charsetName", "NAME", "bodies as UTF-8, or as hex"),
        .valued("s", "subExpression", "TAGS", "with these tags, as paid || sent"),
        .valued("b", "beginTimestamp", "TIME", "stored then or later"),
        .valued("e", "endTimestamp", "TIME", "stored before"),
        .valued("d", "printBody", "BOOL", "whether bodies are printed, true"),
    ]
    static let examples = [
        "printMsg -t Orders", "printMsg -t Orders -s paid -b '2026-11-26#10:00:00:000' -d false",
    ]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let topic = try arguments.text("topic")
        let format = try BodyFormat(arguments["charsetName"])
        let span = try Span(arguments)
        let withBody = try arguments.truth("printBody") ?? true
        for (broker, place) in try await call.admin.queues(of: topic) {
            let done: Void? = try await call.attempt {
                let (low, high) = try await span.bounds(place, call.admin)
                if !call.isJSON {
                    let queue = QueueKey(topic: topic, broker: broker, id: place.queue).text
                    call.line("minOffset=\(low), maxOffset=\(high), \(queue)")
                }
                var reader = QueueReader(place: place, broker: broker, group: SystemName.toolsGroup)
                reader.tags = arguments["subExpression"] ?? "*"
                reader.format = withBody ? format : nil
                _ = try await reader.read(low..<max(low, high), call)
            }
            if done != nil, !call.isJSON { call.line(String(repeating: "-", count: 56)) }
        }
    }
}
