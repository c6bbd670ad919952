// One of the queues that a topic's messages are in.

/// A queue of a topic on a broker. Messages within one have an order.
public struct MessageQueue: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let topic: String
    public let broker: String
    /// From 0 on, for each broker.
    public let id: Int32

    public init(topic: String, broker: String, id: Int32) {
        self.topic = topic
        self.broker = broker
        self.id = id
    }

    /// In RocketMQ's order, in which all members of a group see the queues: by topic, broker and
    /// number.
    public static func < (one: MessageQueue, other: MessageQueue) -> Bool {
        if one.topic != other.topic { return one.topic.isBefore(other.topic) }
        if one.broker != other.broker { return one.broker.isBefore(other.broker) }
        return one.id < other.id
    }

    public var description: String { "queue \(id) of \(topic) on \(broker)" }
}

extension String {
    /// Java's order, by UTF-16 code units: what other clients of a group sort by.
    func isBefore(_ other: String) -> Bool { utf16.lexicographicallyPrecedes(other.utf16) }
}
