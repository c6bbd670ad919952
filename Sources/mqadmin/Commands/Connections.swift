// consumerConnection and producerConnection: who is connected, and what for.

import ApusFormat
import ApusRemoting
import ApusServer

enum ConsumerConnection: Command {
    static let name = "consumerConnection"
    static let summary = "Prints the clients of a consumer group, and what they subscribe to."
    static let flags: [Flag] = [
        .required("g", "consumerGroup", "NAME", "the group"),
        .valued("b", "brokerAddr", "ADDRESS", "ask this broker"),
    ]
    static let examples = ["consumerConnection -g readers"]

    static func run(_ call: Call) async throws {
        let group = try call.arguments.text("consumerGroup")
        let json: JSON
        if let address = call.arguments["brokerAddr"] {
            json = try await call.admin.consumers(of: group, on: [address])
        } else {
            json = try await call.admin.consumers(of: group)
        }
        if call.isJSON { return call.print(json) }
        call.line(table.heading)
        for client in Client.all(json) {
            call.line(table.line([client.id, client.address, client.language, client.version]))
        }
        call.line()
        call.line("Below is subscription:")
        call.line(subscriptions.heading)
        for member in json["subscriptionTable"]?.object?.members ?? [] {
            call.line(
                subscriptions.line([member.name, member.value["subString"]?.string ?? ""]))
        }
        call.line()
        call.line("ConsumeType: \(json["consumeType"]?.string ?? "null")")
        call.line("MessageModel: \(json["messageModel"]?.string ?? "null")")
        call.line("ConsumeFromWhere: \(json["consumeFromWhere"]?.string ?? "null")")
    }

    private static let table = TextTable(
        .left("#ClientId", 36, gap: 1), .left("#ClientAddr", 22, gap: 1),
        .left("#Language", 10, gap: 1), .left("#Version", 0))
    private static let subscriptions = TextTable(
        .left("#Topic", 20, gap: 1), .left("#SubExpression", 0))
}

enum ProducerConnection: Command {
    static let name = "producerConnection"
    static let summary = "Prints the clients of a producer group."
    static let flags: [Flag] = [
        .required("g", "producerGroup", "NAME", "the group"),
        .required("t", "topic", "NAME", "a topic that it sends to: its brokers are asked"),
    ]
    static let examples = ["producerConnection -g writers -t Orders"]

    static func run(_ call: Call) async throws {
        let group = try call.arguments.text("producerGroup")
        let route = try await call.admin.route(of: try call.arguments.text("topic"))
        let json = try await call.admin.askFirst(
            route.readable, to: "tell who is in the producer group \(group)",
            .getProducerConnectionList, ["producerGroup": group])
        if call.isJSON { return call.print(json) }
        for (index, client) in Client.all(json).enumerated() {
            let number = String(index + 1)
            let zeros = String(repeating: "0", count: max(0, 4 - number.count))
            call.line(
                "\(zeros)\(number)  "
                    + table.line([client.id, client.address, client.language, client.version]))
        }
    }

    private static let table = TextTable(
        .left("", 32, gap: 1), .left("", 22, gap: 1), .left("", 8, gap: 1), .left("", 0))
}

/// A client as a broker tells it.
private struct Client {
    let id: String
    let address: String
    let language: String
    let version: String

    static func all(_ json: JSON) -> [Client] {
        (json["connectionSet"]?.array ?? []).map { json in
            Client(
                id: json["clientId"]?.string ?? "", address: json["clientAddr"]?.string ?? "",
                language: json["language"]?.string ?? "",
                version: Release.name(json["version"]?.int32 ?? 0))
        }.sorted { $0.id < $1.id }
    }
}

extension Admin {
    /// The clients of a consumer group, as one of these brokers knows them, or one that has its
    /// retry topic.
    func consumers(
        of group: String, on brokers: [String]? = nil
    ) async throws(AdminError) -> JSON {
        var addresses = brokers ?? []
        if brokers == nil {
            addresses = try await route(of: TopicName.retryTopic(of: group)).readable
        }
        return try await askFirst(
            addresses, to: "tell who is in the consumer group \(group)",
            .getConsumerConnectionList, ["consumerGroup": group])
    }
}
