// What is appended, and what an append answers.

public import ApusFormat

/// A message as an embedding program hands it in. For the fastest path, which copies nothing, hand
/// spans to `MessageStore.append(to:body:properties:attributes:)` instead.
public struct Message: Hashable, Sendable {
    public var topic: String
    public var queueID: Int32
    public var body: [UInt8]
    /// In the order in which they are stored. TAGS, KEYS and the rest are names like any other.
    public var properties: [Property]
    public var attributes: MessageAttributes

    /// `tags` and `keys` become the properties TAGS and KEYS (keys joined by spaces).
    public init(
        topic: String, queueID: Int32 = 0, body: [UInt8], tags: String? = nil, keys: [String] = [],
        properties: [Property] = [], attributes: MessageAttributes = MessageAttributes()
    ) {
        self.topic = topic
        self.queueID = queueID
        self.body = body
        var all = properties
        if !keys.isEmpty {
            all.append(Property(name: PropertyName.keys, value: keys.joined(separator: " ")))
        }
        if let tags { all.append(Property(name: PropertyName.tags, value: tags)) }
        self.properties = all
        self.attributes = attributes
    }
}

/// The system fields of a message. The store passes them through untouched.
public struct MessageAttributes: Hashable, Sendable {
    /// The application's own flag.
    public var flag: Int32
    /// Transaction state, compression and the rest; the host bits are set by the store.
    public var systemFlag: SystemFlag
    /// When the message was made, milliseconds since 1970; nil for now.
    public var bornTimestamp: Int64?
    public var bornHost: HostAddress
    public var reconsumeTimes: Int32
    public var preparedTransactionOffset: Int64

    public init(
        flag: Int32 = 0, systemFlag: SystemFlag = [], bornTimestamp: Int64? = nil,
        bornHost: HostAddress = .loopback(port: 0), reconsumeTimes: Int32 = 0,
        preparedTransactionOffset: Int64 = 0
    ) {
        self.flag = flag
        self.systemFlag = systemFlag
        self.bornTimestamp = bornTimestamp
        self.bornHost = bornHost
        self.reconsumeTimes = reconsumeTimes
        self.preparedTransactionOffset = preparedTransactionOffset
    }

    /// Whether the record of a message with these is as nearly all are.
    @inline(__always) var isPlain: Bool { systemFlag.isPlain && !bornHost.isIPv6 }
}

/// What an acknowledgement says about the disk.
public enum AppendStatus: Hashable, Sendable {
    /// Stored as the flush mode promises: in the page cache with `.async`, on the device with
    /// `.sync`.
    case stored
    /// The message is stored and will be delivered, but the sync took longer than
    /// `FlushSettings.syncTimeoutMilliseconds` (RocketMQ's FLUSH_DISK_TIMEOUT).
    case flushTimedOut
}

/// Where the messages of a batch went: one behind the other, with consecutive queue offsets.
public struct BatchAppendResult: Hashable, Sendable {
    /// The first message's place.
    public let first: AppendResult
    /// How many messages.
    public let count: Int
    /// Where the last record ends.
    public let physicalEnd: Int64

    func withStatus(_ status: AppendStatus) -> BatchAppendResult {
        BatchAppendResult(first: first.withStatus(status), count: count, physicalEnd: physicalEnd)
    }
}

/// One queue of one topic of an open store, looked up once and used for many appends and reads.
public struct MessageQueue: Sendable {
    package let queue: ConsumeQueue

    public var topic: String { queue.topic.name }
    public var id: Int32 { queue.queueID }
}

/// The names of queues as they stand on disk.
public struct QueueName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let topic: String
    public let id: Int32

    public init(topic: String, id: Int32) {
        self.topic = topic
        self.id = id
    }

    public var description: String { "\(topic)/\(id)" }

    public static func < (left: QueueName, right: QueueName) -> Bool {
        (left.topic, left.id) < (right.topic, right.id)
    }
}
