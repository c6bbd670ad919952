// The queues that one broker has of a topic: RocketMQ's QueueData without the broker's name.

import ApusRemoting

/// How many queues of a topic a broker has, and what may be done with them.
struct TopicQueues: Hashable, Sendable {
    /// RocketMQ's defaults, for what a broker leaves out.
    var readQueueCount: Int32 = 16
    var writeQueueCount: Int32 = 16
    var permission = Permission.readWrite
    var systemFlag = TopicFlag()

    /// The entry of a route's `queueDatas`.
    func json(brokerName: String) -> JSON {
        var fields = JSONObject()
        fields.append("brokerName", .string(brokerName))
        fields.append("perm", .integer(Int64(permission.rawValue)))
        fields.append("readQueueNums", .integer(Int64(readQueueCount)))
        fields.append("topicSysFlag", .integer(Int64(systemFlag.rawValue)))
        fields.append("writeQueueNums", .integer(Int64(writeQueueCount)))
        return .object(fields)
    }
}

/// What may be done with a topic at a broker. Bits that are not named here pass through.
struct Permission: OptionSet, Hashable, Sendable {
    let rawValue: Int32

    static let write = Permission(rawValue: 1 << 1)
    static let read = Permission(rawValue: 1 << 2)
    static let readWrite: Permission = [.read, .write]
}

/// The flags of a topic in RocketMQ's units.
struct TopicFlag: OptionSet, Hashable, Sendable {
    let rawValue: Int32

    init(rawValue: Int32 = 0) { self.rawValue = rawValue }

    /// The topic belongs to a unit.
    static let unit = TopicFlag(rawValue: 1 << 0)
    /// A group of some unit subscribes to it.
    static let unitSubscribed = TopicFlag(rawValue: 1 << 1)
}
