// updateSubGroup: makes a consumer group, or changes one.

import ApusRemoting

enum UpdateGroup: Command {
    static let name = "updateSubGroup"
    static let summary = "Makes a consumer group, or changes one."
    static let flags: [Flag] = [
        .valued("b", "brokerAddr", "ADDRESS", "on this broker"),
        .valued("c", "clusterName", "NAME", "on the masters of this cluster"),
        .required("g", "groupName", "NAME", "the group"),
        .valued("s", "consumeEnable", "BOOL", "whether it may consume, true"),
        .valued("m", "consumeFromMinEnable", "BOOL", "whether it may begin at the first, false"),
        .valued("d", "consumeBroadcastEnable", "BOOL", "whether it may broadcast, false"),
        .valued("o", "consumeMessageOrderly", "BOOL", "whether it consumes in order, false"),
        .valued("q", "retryQueueNums", "COUNT", "queues of its retry topic, 1"),
        .valued("r", "retryMaxTimes", "COUNT", "deliveries before a message is dead, 16"),
        .valued("p", "groupRetryPolicy", "JSON", "how long until the next delivery"),
        .valued("i", "brokerId", "ID", "the broker that it consumes from, 0"),
        .valued("w", "whichBrokerWhenConsumeSlowly", "ID", "the one when it is slow, 1"),
        .valued("a", "notifyConsumerIdsChanged", "BOOL", "whether clients hear of others, true"),
        .valued(nil, "attributes", "LIST", "+name=value,-name"),
    ]
    static let examples = [
        "updateSubGroup -c DefaultCluster -g readers",
        "updateSubGroup -b localhost:10911 -g readers -r 3",
    ]

    static func run(_ call: Call) async throws {
        let target = try call.arguments.target()
        let group = try call.arguments.text("groupName")
        let settings = try settings(call.arguments, group)
        var made: [JSON] = []
        for address in try await call.admin.masters(target) {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "make or change the group \(group)",
                    .updateAndCreateSubscriptiongroup, body: JSON.object(settings).bytes())
            }
            if answer == nil { continue }
            made.append(.string(address))
            if !call.isJSON { call.line("create subscription group to \(address) success.") }
        }
        if call.isJSON {
            let members: JSONObject = [
                "brokers": .array(made), "subscriptionGroupConfig": .object(settings),
            ]
            return call.print(.object(members))
        }
        if !made.isEmpty { call.line(text(settings)) }
    }

    /// All settings of a group; those that no flag names are RocketMQ's.
    private static func settings(
        _ arguments: Arguments, _ group: String
    ) throws(UsageError) -> JSONObject {
        func truth(_ name: String, _ otherwise: Bool) throws(UsageError) -> JSON {
            .bool(try arguments.truth(name) ?? otherwise)
        }
        func number(_ name: String, _ otherwise: Int64) throws(UsageError) -> JSON {
            .integer(try arguments.number(name, 0...Int64(Int32.max)) ?? otherwise)
        }
        return [
            "groupName": .string(group),
            "consumeEnable": try truth("consumeEnable", true),
            "consumeFromMinEnable": try truth("consumeFromMinEnable", false),
            "consumeBroadcastEnable": try truth("consumeBroadcastEnable", false),
            "consumeMessageOrderly": try truth("consumeMessageOrderly", false),
            "retryQueueNums": try number("retryQueueNums", 1),
            "retryMaxTimes": try number("retryMaxTimes", 16),
            "groupRetryPolicy": try policy(arguments["groupRetryPolicy"]),
            "brokerId": try number("brokerId", 0),
            "whichBrokerWhenConsumeSlowly": try number("whichBrokerWhenConsumeSlowly", 1),
            "notifyConsumerIdsChangedEnable": try truth("notifyConsumerIdsChanged", true),
            "groupSysFlag": 0, "consumeTimeoutMinute": 15,
            "attributes": AttributeList.json(
                try AttributeList.checked(arguments["attributes"] ?? "")),
        ]
    }

    private static func policy(_ text: String?) throws(UsageError) -> JSON {
        guard let text else { return .object(["type": "CUSTOMIZED"]) }
        guard let policy = try? JSON(parsing: text), policy.object != nil else {
            throw UsageError("--groupRetryPolicy is a JSON object, not \(text)")
        }
        return policy
    }

    /// In RocketMQ's words.
    private static func text(_ settings: JSONObject) -> String {
        let parts = settings.members.map { member in
            let value =
                member.value.string
                ?? String(decoding: member.value.bytes(), as: UTF8.self)
            return "\(member.name)=\(value)"
        }
        return "SubscriptionGroupConfig{\(parts.joined(separator: ", "))}"
    }
}
