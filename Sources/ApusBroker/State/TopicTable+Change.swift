// Topics that come, change and go. Each call waits for the disk.

extension TopicTable {
    /// What became of a topic that a message was sent to.
    public enum Creation: Sendable {
        case existing(Topic)
        case created(Topic)
        /// `example` (`TBW102`) does not exist, or lets nobody inherit from it.
        case refused(reason: String)
    }

    /// The topic that a message is sent to, made after the topic `example` when it is not there:
    /// with its permission less `inherit`, and with `queues` queues or as many as it has, whichever
    /// are fewer. As RocketMQ does it.
    public func createOnSend(
        _ name: String, like example: String, queues: Int32, systemFlag: Int32 = 0
    ) throws(StateError) -> Creation { .refused(reason: "") }

    /// The topic, made with these settings when it is not there. For `%RETRY%` and `%DLQ%` topics.
    public func createIfAbsent(_ settings: TopicSettings) throws(StateError) -> Topic {
        throw .unknownTopic(settings.name)
    }

    /// Makes or replaces topics, in one write. `attributes` are changes, as RocketMQ takes them:
    /// `+key` sets, `-key` removes; other keys are refused.
    public func update(_ settings: [TopicSettings]) throws(StateError) {}

    /// Marks topics that a NameServer keeps an order configuration for.
    public func markOrdered(_ names: some Collection<String>) throws(StateError) {}

    /// Removes a topic; false when it is not there.
    public func remove(_ name: String) throws(StateError) -> Bool { false }
}
