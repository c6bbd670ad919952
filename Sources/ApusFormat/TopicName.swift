// Names of topics that RocketMQ gives a meaning, and what it makes of a group's name.

/// Topics that brokers and tools know by their names.
package enum TopicName {
    package static let retryPrefix = "%RETRY%"
    package static let deadLetterPrefix = "%DLQ%"
    /// The topic by whose settings brokers make others.
    package static let template = "TBW102"

    /// Where what a group failed to consume waits for the next attempt.
    package static func retryTopic(of group: String) -> String { retryPrefix + group }

    /// Where what a group failed to consume too often ends.
    package static func deadLetterTopic(of group: String) -> String { deadLetterPrefix + group }

    /// Whether the topic is either of these.
    package static func isOfGroup(_ topic: String) -> Bool {
        topic.hasPrefix(retryPrefix) || topic.hasPrefix(deadLetterPrefix)
    }

    /// The group of a retry topic; nil for another topic.
    package static func group(ofRetryTopic topic: String) -> String? {
        topic.hasPrefix(retryPrefix) ? String(topic.dropFirst(retryPrefix.count)) : nil
    }
}
