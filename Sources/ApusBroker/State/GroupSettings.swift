// What the broker knows of one consumer group.

import ApusRemoting

/// One consumer group. `subscriptionGroup.json` holds these.
public struct GroupSettings: Equatable, Sendable {
    public let name: String
    /// Whether its consumers get anything.
    public var isEnabled = true
    /// Whether a group without offsets may begin at the first message.
    public var consumesFromMinimum = true
    public var allowsBroadcast = true
    /// Whether its consumers must lock queues.
    public var isOrderly = false
    /// Queues of its retry topic.
    public var retryQueues: Int32 = 1
    /// Deliveries of a message after which it goes to the dead-letter queue.
    public var maximumRetries: Int32 = 16
    /// The broker that it consumes from.
    public var brokerID: Int64 = 0
    /// The broker that it is sent to when it is far behind.
    public var slowBrokerID: Int64 = 1
    /// Whether its consumers are told at once when their number changes.
    public var notifiesConsumerChanges = true
    /// Bit 0: the group is a unit's.
    public var systemFlag: Int32 = 0
    /// Minutes after which a push client gives a message up and sends it back.
    public var consumeTimeoutMinutes: Int32 = 15
    public var attributes: [String: String] = [:]
    /// How often and when a POP consumer gets a message again, in RocketMQ's own words: this broker
    /// passes it on.
    var retryPolicy = JSON.object(JSONObject([("type", "CUSTOMIZED")]))
    /// What a newer RocketMQ wrote beside these; kept as it is.
    var unknown = JSONObject()

    public init(_ name: String) { self.name = name }
}
