// Topics as `topics.json` and registrations hold them.

import ApusFormat
import ApusRemoting
import ApusServer

extension TopicSettings {
    /// As RocketMQ names and orders the members.
    var json: JSON {
        var object = JSONObject([
            ("attributes", JSON(attributes)), ("order", .bool(isOrdered)),
            ("perm", .integer(Int64(permission.rawValue))),
            ("readQueueNums", .integer(Int64(readQueues))),
            ("topicFilterType", .string(filterType.rawValue)), ("topicName", .string(name)),
            ("topicSysFlag", .integer(Int64(systemFlag))),
            ("writeQueueNums", .integer(Int64(writeQueues))),
        ])
        for member in unknown.members { object.append(member.name, member.value) }
        return .object(object)
    }

    private static let members: Set = [
        "attributes", "order", "perm", "readQueueNums", "topicFilterType", "topicName",
        "topicSysFlag", "writeQueueNums",
    ]

    /// The topic under `key` of the table: the key is the name, whatever the member says.
    init(_ json: JSON, key: String) throws(StateProblem) {
        let object = try StateObject(json, at: "the topic \(key)")
        self.init(key)
        readQueues = try object.int32("readQueueNums", readQueues)
        writeQueues = try object.int32("writeQueueNums", writeQueues)
        permission = Permission(rawValue: try object.int32("perm", permission.rawValue))
        let filter = try object.string("topicFilterType", filterType.rawValue)
        guard let filter = TopicFilterType(rawValue: filter) else {
            throw StateProblem("topicFilterType of the topic \(key) is unknown: \(filter)")
        }
        filterType = filter
        systemFlag = try object.int32("topicSysFlag", 0)
        isOrdered = try object.bool("order", false)
        attributes = try object.strings("attributes")
        unknown = object.others(than: Self.members)
    }
}

extension TopicTable.Topics {
    /// `topics.json`.
    var document: [UInt8] {
        var table = JSONObject()
        for (name, topic) in byName.sorted(by: { $0.key < $1.key }) {
            table.append(name, topic.settings.json)
        }
        let document = JSONObject([
            ("dataVersion", version.json), ("topicConfigTable", .object(table)),
        ])
        return JSON.object(document).bytes(.fastjsonPretty)
    }

    /// What `topics.json` says.
    static func read(
        _ bytes: RawSpan, now: Int64
    ) throws(StateProblem) -> (topics: [TopicSettings], version: DataVersion) {
        let document = try StateObject(document: bytes)
        var topics: [TopicSettings] = []
        for member in try document.required("topicConfigTable").object.members {
            topics.append(try TopicSettings(member.value, key: member.name))
        }
        return (topics, try DataVersion(in: document, now: now))
    }
}
