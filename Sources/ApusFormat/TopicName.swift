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

    /// Whether a name of a topic or a group holds only characters that RocketMQ allows: letters,
    /// digits, and `%|_-`. The empty one does.
    package static func isAllowed(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "%"), UInt8(ascii: "|"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// Whether the topic is either of these.
    package static func isOfGroup(_ topic: String) -> Bool {
        topic.hasPrefix(retryPrefix) || topic.hasPrefix(deadLetterPrefix)
    }

    /// The group of a retry topic; nil for another topic.
    package static func group(ofRetryTopic topic: String) -> String? {
        topic.hasPrefix(retryPrefix) ? String(topic.dropFirst(retryPrefix.count)) : nil
    }
}
