// updateTopic: makes a topic, or changes one.

import ApusFormat
import ApusRemoting
import ApusServer

enum UpdateTopic: Command {
    static let name = "updateTopic"
    static let summary = "Makes a topic, or changes one."
    static let flags: [Flag] = [
        .valued("b", "brokerAddr", "ADDRESS", "on this broker"),
        .valued("c", "clusterName", "NAME", "on the masters of this cluster"),
        .required("t", "topic", "NAME", "the topic"),
        .valued("r", "readQueueNums", "COUNT", "queues to read from, 8"),
        .valued("w", "writeQueueNums", "COUNT", "queues to write to, 8"),
        .valued("p", "perm", "NUMBER", "2 write, 4 read, 6 both, which it is without"),
        .valued("o", "order", "BOOL", "whether messages with one key are in order"),
        .valued("u", "unit", "BOOL", "whether it is a unit's"),
        .valued("s", "hasUnitSub", "BOOL", "whether units subscribe to it"),
        .valued("a", "attributes", "LIST", "+name=value,-name"),
    ]
    static let examples = [
        "updateTopic -c DefaultCluster -t Orders",
        "updateTopic -b localhost:10911 -t Orders -r 4 -w 4",
        "updateTopic -c DefaultCluster -t Bills -a +message.type=FIFO",
    ]

    static func run(_ call: Call) async throws {
        let target = try call.arguments.target()
        let topic = try TopicWish(call.arguments)
        let admin = call.admin
        var made: [String] = []
        for address in try await admin.masters(target) {
            let done: Void? = try await call.attempt {
                _ = try await admin.ask(
                    address, to: "make or change the topic \(topic.name)", .updateAndCreateTopic,
                    topic.fields)
            }
            if done == nil { continue }
            made.append(address)
            if !call.isJSON { call.line("create topic to \(address) success.") }
        }
        if topic.isOrdered, !made.isEmpty {
            let list = try await call.attempt { try await orderConfiguration(target, topic, call) }
            if !call.isJSON, let list = list ?? nil {
                let what = if case .broker = target { "broker" } else { "cluster" }
                call.line("set \(what) orderConf. isOrder=true, orderConf=[\(list)]")
            }
        }
        if call.isJSON {
            let members: JSONObject = [
                "brokers": .array(made.map { .string($0) }), "topicConfig": topic.json,
            ]
            return call.print(.object(members))
        }
        if !made.isEmpty { call.line(topic.text) }
    }

    /// Tells the NameServers how many queues of an ordered topic each broker has. Nil when not all
    /// of them have taken it.
    private static func orderConfiguration(
        _ target: Target, _ topic: TopicWish, _ call: Call
    ) async throws -> String? {
        let admin = call.admin
        let clusters = try await admin.clusters()
        switch target {
        case .cluster(let name):
            let list = (clusters.names[name] ?? []).map { "\($0):\(topic.writeQueues)" }
                .joined(separator: ";")
            return try await call.put(KeyValueNamespace.orderedTopics, topic.name, list)
                ? list : nil
        case .broker(let address):
            let broker = clusters.brokers.values.first { $0.addresses.values.contains(address) }
            guard let broker else {
                throw AdminError.absent(
                    "no NameServer knows a broker at \(address)",
                    advice: "its topic is made; name an address as mqadmin clusterList shows it")
            }
            let mine = "\(broker.name):\(topic.writeQueues)"
            let (known, _) = try await admin.askNameServer(
                to: "tell the queues of the ordered topic \(topic.name)", .getKvConfig,
                ["namespace": KeyValueNamespace.orderedTopics, "key": topic.name],
                accepting: [.success, .queryNotFound])
            let others = (known.fields["value"] ?? "").split(separator: ";").map(String.init)
                .filter { !$0.hasPrefix("\(broker.name):") }
            let list = (others + [mine]).joined(separator: ";")
            return try await call.put(KeyValueNamespace.orderedTopics, topic.name, list)
                ? mine : nil
        }
    }
}

/// The topic that is asked for.
private struct TopicWish {
    let name: String
    let readQueues: Int32
    let writeQueues: Int32
    let permission: Int32
    let isOrdered: Bool
    let systemFlag: Int32
    let attributes: String

    init(_ arguments: Arguments) throws(UsageError) {
        name = try arguments.text("topic")
        readQueues = try arguments.number("readQueueNums", 0...Int32.max) ?? 8
        writeQueues = try arguments.number("writeQueueNums", 0...Int32.max) ?? 8
        permission = try arguments.number("perm", 0...15) ?? 6
        isOrdered = try arguments.truth("order") ?? false
        let isUnit = try arguments.truth("unit") ?? false
        let hasUnitSubscription = try arguments.truth("hasUnitSub") ?? false
        systemFlag = (isUnit ? 1 : 0) | (hasUnitSubscription ? 2 : 0)
        attributes = try AttributeList.checked(arguments["attributes"] ?? "")
    }

    var fields: HeaderFields {
        var fields: HeaderFields = [
            "topic": name, "defaultTopic": TopicName.template,
            "readQueueNums": "\(readQueues)", "writeQueueNums": "\(writeQueues)",
            "perm": "\(permission)", "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": "\(systemFlag)", "order": "\(isOrdered)",
        ]
        if !attributes.isEmpty { fields["attributes"] = attributes }
        return fields
    }

    /// In RocketMQ's words.
    var text: String {
        let letters =
            (permission & 4 != 0 ? "R" : "-") + (permission & 2 != 0 ? "W" : "-")
            + (permission & 1 != 0 ? "X" : "-")
        return "TopicConfig [topicName=\(name), readQueueNums=\(readQueues), writeQueueNums="
            + "\(writeQueues), perm=\(letters), topicFilterType=SINGLE_TAG, topicSysFlag="
            + "\(systemFlag), order=\(isOrdered), attributes={\(attributes)}]"
    }

    var json: JSON {
        let members: JSONObject = [
            "attributes": .string(attributes), "order": .bool(isOrdered),
            "perm": .integer(Int64(permission)), "readQueueNums": .integer(Int64(readQueues)),
            "topicFilterType": "SINGLE_TAG", "topicName": .string(name),
            "topicSysFlag": .integer(Int64(systemFlag)),
            "writeQueueNums": .integer(Int64(writeQueues)),
        ]
        return .object(members)
    }
}

/// Changes of attributes, `+name=value,-name`.
enum AttributeList {
    /// The list, when it is one.
    static func checked(_ text: String) throws(UsageError) -> String {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty
        {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let isSet =
                sides.count == 2 && sides[0].first == "+" && sides[0].count > 1
                && !sides[1].isEmpty
            let isTaken = sides.count == 1 && part.first == "-" && part.count > 1
            guard isSet || isTaken else {
                throw UsageError("attributes are +name=value or -name, not \(part)")
            }
        }
        return text
    }

    /// The list as members of a JSON object.
    static func json(_ text: String) -> JSON {
        .object(
            JSONObject(
                text.split(separator: ",").map { part in
                    let sides = part.split(separator: "=", maxSplits: 1)
                    return (String(sides[0]), .string(sides.count > 1 ? String(sides[1]) : ""))
                }))
    }
}
