// GET_CONSUMER_CONNECTION_LIST (203), GET_PRODUCER_CONNECTION_LIST (204),
// QUERY_TOPIC_CONSUME_BY_WHO (300), QUERY_TOPICS_BY_CONSUMER (343) and
// QUERY_SUBSCRIPTION_BY_CONSUMER (345): who is there, and what for.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    func consumerConnections(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("consumerGroup")
        guard let group = clients.withLock({ $0.consumers[name] }) else {
            throw Refusal(.consumerNotOnline, "the consumer group[\(name)] not online")
        }
        var table = JSONObject()
        for (topic, subscription) in group.subscriptions.sorted(by: { $0.key < $1.key }) {
            table.append(topic, subscription.json)
        }
        return Response(json: [
            "connectionSet": list(group.clients.values, addressAs: "clientAddr"),
            "consumeFromWhere": .string(group.consumption.start),
            "consumeType": .string(group.consumption.type),
            "messageModel": .string(group.consumption.model),
            "subscriptionTable": .object(table),
        ])
    }

    func producerConnections(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("producerGroup")
        guard let producers = clients.withLock({ $0.producers[name] }) else {
            throw Refusal(.systemError, "the producer group[\(name)] not exist")
        }
        return Response(json: ["connectionSet": list(producers.values, addressAs: "clientAddr")])
    }

    /// Clients in the order in which they came, each with its address under this name.
    func list(
        _ clients: some Collection<RegisteredClient>, addressAs addressName: String,
        _ more: (RegisteredClient) -> [(String, JSON)] = { _ in [] }
    ) -> JSON {
        let open = connections.connections(clients.map(\.connection))
        let addresses = Dictionary(open.map { ($0.id, $0.remoteAddress) }) { first, _ in first }
        return .array(
            clients.sorted { $0.connection < $1.connection }.map { client in
                let language = Language(rawValue: client.description.language) ?? .other
                let members: [(String, JSON)] = [
                    (addressName, .string(addresses[client.connection]?.description ?? "")),
                    ("clientId", .string(client.description.id)),
                    ("language", .string("\(language.name)")),
                    ("version", .integer(Int64(client.description.version))),
                ]
                return .object(JSONObject((members + more(client)).sorted { $0.0 < $1.0 }))
            })
    }

    func groupsConsuming(_ command: RemotingCommand) throws(Refusal) -> Response {
        let topic = try command.fields.requiredText("topic")
        let online = Set(clients.withLock { $0.groups(subscribingTo: topic) })
        let all = online.union(state.offsets.groups(ofTopic: topic)).sorted()
        return Response(json: ["groupList": .array(all.map { .string($0) })])
    }

    func topicsConsumed(_ command: RemotingCommand) throws(Refusal) -> Response {
        let group = try command.fields.requiredText("group")
        let topics = state.offsets.topics(ofGroup: group).sorted()
        return Response(json: ["topicList": .array(topics.map { .string($0) })])
    }

    func subscription(_ command: RemotingCommand) throws(Refusal) -> Response {
        let (group, topic) = (
            try command.fields.requiredText("group"), try command.fields.requiredText("topic")
        )
        let found = clients.withLock { $0.subscription(group: group, topic: topic) }
        return Response(json: [
            "group": .string(group), "subscriptionData": found?.json ?? .null,
            "topic": .string(topic),
        ])
    }
}

extension Subscription {
    /// As Java names the members.
    var json: JSON {
        let tags = TagFilter.names(in: expression)
        let members: JSONObject = [
            "classFilterMode": false, "codeSet": [], "expressionType": .string(expressionType),
            "subString": .string(expression), "subVersion": .integer(version),
            "tagsSet": .array(tags.map { .string($0) }), "topic": .string(topic),
        ]
        return .object(members)
    }
}
