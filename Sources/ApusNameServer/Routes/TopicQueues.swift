// The queues that one broker has of a topic: RocketMQ's QueueData without the broker's name.

import ApusRemoting

/// How many queues of a topic a broker has, and what may be done with them.
package struct TopicQueues: Hashable, Sendable {
    /// RocketMQ's defaults, for what a broker leaves out.
    package var readQueueCount: Int32 = 16
    package var writeQueueCount: Int32 = 16
    package var permission = Permission.readWrite
    package var systemFlag = TopicFlag()

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
package struct Permission: OptionSet, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    static let write = Permission(rawValue: 1 << 1)
    static let read = Permission(rawValue: 1 << 2)
    static let readWrite: Permission = [.read, .write]
}

/// The flags of a topic in RocketMQ's units.
package struct TopicFlag: OptionSet, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32 = 0) { self.rawValue = rawValue }

    /// The topic belongs to a unit.
    static let unit = TopicFlag(rawValue: 1 << 0)
    /// A group of some unit subscribes to it.
    static let unitSubscribed = TopicFlag(rawValue: 1 << 1)
}
