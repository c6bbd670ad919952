// Groups as `subscriptionGroup.json` and requests of administrators hold them.

import ApusFormat
import ApusRemoting
import ApusServer

extension GroupSettings {
    /// As RocketMQ names and orders the members.
    var json: JSON {
        var object = JSONObject([
            ("attributes", JSON(attributes)), ("brokerId", .integer(brokerID)),
            ("consumeBroadcastEnable", .bool(allowsBroadcast)),
            ("consumeEnable", .bool(isEnabled)),
            ("consumeFromMinEnable", .bool(consumesFromMinimum)),
            ("consumeMessageOrderly", .bool(isOrderly)),
            ("consumeTimeoutMinute", .integer(Int64(consumeTimeoutMinutes))),
            ("groupName", .string(name)), ("groupRetryPolicy", retryPolicy),
            ("groupSysFlag", .integer(Int64(systemFlag))),
            ("notifyConsumerIdsChangedEnable", .bool(notifiesConsumerChanges)),
            ("retryMaxTimes", .integer(Int64(maximumRetries))),
            ("retryQueueNums", .integer(Int64(retryQueues))),
            ("whichBrokerWhenConsumeSlowly", .integer(slowBrokerID)),
        ])
        for member in unknown.members { object.append(member.name, member.value) }
        return .object(object)
    }

    private static let members: Set = [
        "attributes", "brokerId", "consumeBroadcastEnable", "consumeEnable",
        "consumeFromMinEnable", "consumeMessageOrderly", "consumeTimeoutMinute", "groupName",
        "groupRetryPolicy", "groupSysFlag", "notifyConsumerIdsChangedEnable", "retryMaxTimes",
        "retryQueueNums", "whichBrokerWhenConsumeSlowly",
    ]

    /// The group under `key` of the table, or of its own name where `key` is nil.
    init(_ json: JSON, key: String? = nil) throws(StateProblem) {
        let object = try StateObject(json, at: "the group \(key ?? "")")
        guard let name = key ?? json["groupName"]?.string else {
            throw StateProblem("a group has no groupName")
        }
        self.init(name)
        isEnabled = try object.bool("consumeEnable", isEnabled)
        consumesFromMinimum = try object.bool("consumeFromMinEnable", consumesFromMinimum)
        allowsBroadcast = try object.bool("consumeBroadcastEnable", allowsBroadcast)
        isOrderly = try object.bool("consumeMessageOrderly", isOrderly)
        retryQueues = try object.int32("retryQueueNums", retryQueues)
        maximumRetries = try object.int32("retryMaxTimes", maximumRetries)
        brokerID = try object.int64("brokerId", brokerID)
        slowBrokerID = try object.int64("whichBrokerWhenConsumeSlowly", slowBrokerID)
        notifiesConsumerChanges = try object.bool(
            "notifyConsumerIdsChangedEnable", notifiesConsumerChanges)
        systemFlag = try object.int32("groupSysFlag", systemFlag)
        consumeTimeoutMinutes = try object.int32("consumeTimeoutMinute", consumeTimeoutMinutes)
        attributes = try object.strings("attributes")
        if let policy = json["groupRetryPolicy"] { retryPolicy = policy }
        unknown = object.others(than: Self.members)
    }
}

extension GroupTable.Groups {
    /// `subscriptionGroup.json`.
    var document: [UInt8] {
        var table = JSONObject()
        for (name, group) in byName.sorted(by: { $0.key < $1.key }) {
            table.append(name, group.settings.json)
        }
        var forbiddenTable = JSONObject()
        for (name, topics) in forbidden.sorted(by: { $0.key < $1.key }) {
            let bits = topics.sorted { $0.key < $1.key }.map {
                ($0.key, JSON.integer(Int64($0.value)))
            }
            forbiddenTable.append(name, .object(JSONObject(bits)))
        }
        let document = JSONObject([
            ("dataVersion", version.json), ("forbiddenTable", .object(forbiddenTable)),
            ("subscriptionGroupTable", .object(table)),
        ])
        return JSON.object(document).bytes(.fastjsonPretty)
    }

    /// What `subscriptionGroup.json` says.
    init(_ bytes: RawSpan, now: Int64) throws(StateProblem) {
        let document = try StateObject(document: bytes)
        byName = [:]
        for member in try document.required("subscriptionGroupTable").object.members {
            byName[member.name] = Group(try GroupSettings(member.value, key: member.name))
        }
        forbidden = [:]
        for member in try document.optional("forbiddenTable")?.object.members ?? [] {
            let topics = try StateObject(member.value, at: "forbiddenTable of \(member.name)")
            for topic in topics.object.members {
                forbidden[member.name, default: [:]][topic.name] = try topics.int32(topic.name, 0)
            }
        }
        version = try DataVersion(in: document, now: now)
    }
}
