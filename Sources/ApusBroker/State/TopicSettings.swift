// What the broker knows of one topic.

import ApusRemoting

/// What may be done with a topic, or with all of a broker's. RocketMQ's bits.
public struct Permission: OptionSet, Hashable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Topics may be created after this one's example.
    public static let inherit = Permission(rawValue: 1)
    public static let write = Permission(rawValue: 2)
    public static let read = Permission(rawValue: 4)
    public static let priority = Permission(rawValue: 8)
    public static let readWrite: Permission = [.read, .write]

    /// Whether RocketMQ knows all of the bits.
    public var isKnown: Bool { rawValue >= 0 && rawValue < 8 }
}

/// How consumers of a topic may filter. Kept and passed on; the broker makes no difference.
public enum TopicFilterType: String, Hashable, Sendable {
    case singleTag = "SINGLE_TAG"
    case multiTag = "MULTI_TAG"
}

/// One topic. `topics.json` holds these.
public struct TopicSettings: Equatable, Sendable {
    public let name: String
    /// Queues that consumers see.
    public var readQueues: Int32
    /// Queues that producers see.
    public var writeQueues: Int32
    public var permission: Permission
    public var filterType = TopicFilterType.singleTag
    /// Bit 0: the topic is a unit's; bit 1: a unit subscribes to it.
    public var systemFlag: Int32 = 0
    /// Whether a NameServer keeps an order configuration for it.
    public var isOrdered = false
    public var attributes: [String: String] = [:]
    /// What a newer RocketMQ wrote beside these; kept as it is.
    var unknown = JSONObject()

    /// RocketMQ's own default is 16 queues, to be read and written.
    public init(
        _ name: String, queues: Int32 = 16, permission: Permission = .readWrite
    ) {
        self.name = name
        readQueues = queues
        writeQueues = queues
        self.permission = permission
    }
}

extension TopicSettings {
    /// The queues that consumers see.
    var readQueueIDs: Range<Int32> { Self.queueIDs(readQueues) }
    /// The queues that producers see.
    var writeQueueIDs: Range<Int32> { Self.queueIDs(writeQueues) }

    /// A file may name any number of them.
    private static func queueIDs(_ count: Int32) -> Range<Int32> {
        0..<min(max(0, count), TopicTable.queueLimit)
    }
}
