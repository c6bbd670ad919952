// queryMsgById: messages by their ids; sends them again, or has a client consume them.

import ApusFormat
import ApusRemoting

enum QueryByID: Command {
    static let name = "queryMsgById"
    static let summary =
        "Prints messages by their ids, sends them again, or has a client consume them."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("i", "msgId", "LIST", "ids of either kind, with commas between them"),
        .valued("g", "consumerGroup", "NAME", "with -d: have a client of this group consume them"),
        .valued("d", "clientId", "ID", "with -g: this client"),
        .valued("s", "sendMessage", "BOOL", "whether they are sent again, false"),
        .valued("u", "unitName", "NAME", "taken for RocketMQ's sake; without effect"),
        .valued("f", "bodyFormat", "NAME", "bodies as UTF-8, or as hex"),
        .valued("c", "cluster", "NAME", "taken for RocketMQ's sake; without effect"),
    ]
    static let examples = [
        "queryMsgById -t Orders -i 7F00000100002A9F00000000000002B1",
        "queryMsgById -t Orders -i 7F00000100002A9F00000000000002B1 -s true",
    ]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let topic = try arguments.text("topic")
        let format = try BodyFormat(arguments["bodyFormat"])
        let ids = try arguments.text("msgId").split(separator: ",").map(String.init)
        let client = try ConsumingClient(arguments)
        let sendsAgain = try arguments.truth("sendMessage") ?? false
        var list: [JSON] = []
        for id in ids {
            let json: JSON? = try await call.attempt {
                if let client { return try await client.consume(id, topic, call) }
                let message = try await call.message(id, of: topic)
                return sendsAgain
                    ? try await resend(message, id, call) : try await call.show(message, format)
            }
            if let json { list.append(json) }
        }
        if call.isJSON { call.print(.array(list)) }
    }

    private static func resend(
        _ message: StoredMessage, _ id: String, _ call: Call
    ) async throws -> JSON {
        // The broker adds its own again.
        let own = [
            PropertyName.cluster, PropertyName.region, PropertyName.traceSwitch,
            PropertyName.checksum,
        ]
        let draft = Draft(
            topic: message.topic, body: message.body,
            properties: message.properties.filter { !own.contains($0.name) },
            flag: message.fields.flag)
        let outcome = try await call.admin.send(draft)
        if !call.isJSON {
            call.line("prepare resend msg. originalMsgId=\(id)")
            call.line(SendOutcome.table.heading)
            call.line(SendOutcome.table.line(outcome.cells))
        }
        return outcome.json
    }
}

/// A client that is to consume a message, whether or not it has a queue of the topic.
struct ConsumingClient: Sendable {
    let group: String
    let id: String

    init?(_ arguments: Arguments) throws(UsageError) {
        switch (arguments["consumerGroup"], arguments["clientId"]) {
        case (let group?, let id?): (self.group, self.id) = (group, id)
        case (nil, nil): return nil
        default: throw UsageError("-g (--consumerGroup) and -d (--clientId) belong together")
        }
    }

    /// Gives the client the message, and answers what it made of it.
    func consume(_ messageID: String, _ topic: String, _ call: Call) async throws -> JSON {
        let message = try await call.message(messageID, of: topic)
        let wish = "have the client \(id) consume the message \(messageID)"
        let address = message.fields.storeHost.description
        let answer = try await call.admin.ask(
            address, to: wish, .consumeMessageDirectly,
            [
                "consumerGroup": group, "clientId": id, "msgId": message.offsetID,
                "topic": topic,
            ], timeout: .seconds(15))
        let json = try Admin.json(answer, wish, address)
        if !call.isJSON {
            let parts = (json.object?.members ?? []).map {
                "\($0.name)=\($0.value.string ?? "null")"
            }
            call.line("ConsumeMessageDirectlyResult [\(parts.joined(separator: ", "))]")
        }
        let result = json["consumeResult"]?.string ?? "no result"
        // In order it commits.
        if !["CR_SUCCESS", "CR_COMMIT"].contains(result) {
            call.fail(
                "the client \(id) did not consume the message \(messageID) (\(result)); see its log"
            )
        }
        return json
    }
}
