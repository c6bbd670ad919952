// Every path, file name and marker of a store, made in this one file.
//
//     root/abort  root/lock  root/checkpoint
//     root/commitlog/00000000000000000000 …
//     root/consumequeue/TOPIC/QUEUE/00000000000000000000 …
//     root/index/20250919120000123 …
//     root/quarantine/…            copies of what recovery cut (Java ignores it)
//     root/repairing/…             files that a repair makes, until they are in place (likewise)
//     root/commitlog.deleting/…    files on their way out (Java ignores it)

internal import ApusFormat

/// The layout of a store directory. Topic names are checked here again, whoever checked them
/// before.
package struct StoreDirectory: Sendable {
    package let root: String
    package let commitLog: String

    package init(root: String, commitLog: String? = nil) {
        var trimmed = root
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.root = trimmed
        self.commitLog = commitLog ?? "\(trimmed)/commitlog"
    }

    package var abort: String { "\(root)/abort" }
    package var lock: String { "\(root)/lock" }
    package var checkpoint: String { "\(root)/checkpoint" }
    package var consumeQueue: String { "\(root)/consumequeue" }
    package var batchConsumeQueue: String { "\(root)/batchconsumequeue" }
    package var consumeQueueExtension: String { "\(root)/consumequeue_ext" }
    package var index: String { "\(root)/index" }
    package var quarantine: String { "\(root)/quarantine" }
    package var repairing: String { "\(root)/repairing" }
    package var deleting: String { "\(commitLog).deleting" }

    package func segment(base: Int64) -> String { "\(commitLog)/\(Self.fileName(base))" }

    package func queue(topic: String, queueID: Int32) throws(StoreError) -> String {
        try Self.validate(topic: topic, queueID: queueID)
        return Self.queue(topic: topic, queueID: queueID, in: consumeQueue)
    }

    /// The same for a name that is known to be one, without making `consumeQueue` anew.
    package static func queue(topic: String, queueID: Int32, in consumeQueue: String) -> String {
        "\(consumeQueue)/\(topic)/\(queueID)"
    }

    /// Twenty digits, as RocketMQ names CommitLog and ConsumeQueue files by their first byte.
    package static func fileName(_ offset: Int64) -> String {
        let digits = String(offset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// The offset that a file name stands for; nil when it is no such name.
    package static func offset(ofFileName name: String) -> Int64? {
        guard name.utf8.count == 20, name.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
            return nil
        }
        // Farther than any log reaches, and far from where arithmetic would overflow.
        return Int64(name).flatMap { $0 < 1 << 62 ? $0 : nil }
    }

    /// Bytes that RocketMQ allows in a topic's name.
    package static let topicLimit = 127
    /// Bytes in the names that are derived from a group's.
    package static let derivedTopicLimit = 255

    package static func validate(topic: String, queueID: Int32) throws(StoreError) {
        try validate(topic: topic)
        guard queueID >= 0 else { throw .invalidQueueID(queueID) }
    }

    /// Checks a name against RocketMQ's rule: letters, digits, `%`, `|`, `_` and `-`. Such a name
    /// cannot leave the directory it is put in.
    package static func validate(topic: String) throws(StoreError) {
        guard !topic.isEmpty else { throw .emptyTopic }
        let limit = TopicName.isOfGroup(topic) ? derivedTopicLimit : topicLimit
        let count = topic.utf8.count
        guard count <= limit else { throw .topicTooLong(byteCount: count, limit: limit) }
        guard TopicName.isAllowed(topic) else {
            throw .invalidTopic(
                name: topic, reason: "only letters, digits, and % | _ - are allowed")
        }
    }
}
