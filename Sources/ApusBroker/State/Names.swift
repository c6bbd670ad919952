// Which names topics and groups may have: RocketMQ's rules, checked at every entry. A name that
// passes holds no `.` and no `/`, so it cannot leave the directory that it names a part of.

import ApusFormat

/// Names and prefixes that RocketMQ gives a meaning.
public enum WellKnownName {
    public static let createdAfter = TopicName.template
    public static let schedule = "SCHEDULE_TOPIC_XXXX"
    public static let halfMessages = "RMQ_SYS_TRANS_HALF_TOPIC"
    public static let halfOperations = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
    public static let abandonedHalves = "TRANS_CHECK_MAX_TIME_TOPIC"
    public static let retryPrefix = TopicName.retryPrefix
    public static let deadLetterPrefix = TopicName.deadLetterPrefix
    public static let systemTopicPrefix = "rmq_sys_"
    public static let systemGroupPrefix = "CID_RMQ_SYS_"

    public static func retryTopic(of group: String) -> String { TopicName.retryTopic(of: group) }
    public static func deadLetterTopic(of group: String) -> String {
        TopicName.deadLetterTopic(of: group)
    }
}

/// RocketMQ's rules for names.
public enum NameRules {
    public static let topicLimit = 127
    /// Bytes of a group, so that its retry topic's name is one. RocketMQ's tools make none longer
    /// than 120, its broker takes up to 255 from consumers.
    public static let groupLimit = derivedTopicLimit - WellKnownName.retryPrefix.utf8.count
    /// Bytes of a `%RETRY%` or `%DLQ%` topic.
    public static let derivedTopicLimit = 255

    /// Why the name is none for a topic, in RocketMQ's words; nil when it is one.
    public static func complaint(topic name: String) -> String? {
        if isBlank(name) { return "The specified topic is blank." }
        guard TopicName.isAllowed(name) else {
            return "The specified topic: \(name), contains illegal characters, allowing only "
                + allowed
        }
        let count = name.utf8.count
        if isDerived(name) {
            if count > derivedTopicLimit {
                return "The specified topic is DLQ or Retry topic: \(name), and it's longer than "
                    + "topic max length: \(derivedTopicLimit)"
            }
        } else if count > topicLimit {
            return "The specified topic: \(name), is longer than topic max length: \(topicLimit)"
        }
        return nil
    }

    /// Why the name is none for a consumer group, in RocketMQ's words; nil when it is one.
    public static func complaint(group name: String) -> String? {
        if isBlank(name) { return "The specified group is blank." }
        guard TopicName.isAllowed(name) else {
            return "The specified group: \(name), contains illegal characters, allowing only "
                + allowed
        }
        if name.utf8.count > groupLimit {
            return "The specified group: \(name), is longer than group max length: \(groupLimit)"
        }
        return nil
    }

    /// Whether the name is that of a group's retry topic or dead-letter queue.
    static func isDerived(_ topic: String) -> Bool { TopicName.isOfGroup(topic) }

    /// Whether clients may not send to the topic.
    public static func isClosedToSends(_ topic: String) -> Bool { closed.contains(topic) }

    private static let allowed = "^[%|a-zA-Z0-9_-]+$"

    private static let closed: Set = [
        WellKnownName.schedule, WellKnownName.halfMessages, WellKnownName.halfOperations,
        WellKnownName.abandonedHalves, "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT",
    ]

    private static func isBlank(_ name: String) -> Bool { name.allSatisfy(\.isWhitespace) }
}
