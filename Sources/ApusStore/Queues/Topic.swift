// A topic's name as text and as the bytes that go into records.

package import ApusFormat
package import ApusSystem

/// The name of a topic. Lives as long as the store.
package final class Topic: Sendable {
    package let name: String
    /// The name in UTF-8; never freed while the store lives.
    package let bytes: MappedBytes
    /// The record version that RocketMQ writes for a name of this length.
    package let version: RecordVersion
    /// Whether entries of this topic's queues hold the time of delivery instead of a hash of tags.
    package let isSchedule: Bool
    /// Whether it is not that one, and its records are of version 1: nearly all are.
    package let isPlain: Bool

    package init(name: String) {
        self.name = name
        bytes = MappedBytes.copy(Array(name.utf8).rawSpan)
        version = RecordVersion(topicCharacterCount: name.utf16.count)
        isSchedule = name == "SCHEDULE_TOPIC_XXXX"
        isPlain = version == .v1 && !isSchedule
    }

    /// Whether `name` holds the same bytes.
    func isNamed(_ name: RawSpan) -> Bool {
        // A copy: a span must not be taken through an object that may go.
        let own = bytes
        return own.bytes.isEqual(to: name)
    }

    deinit { bytes.deallocate() }
}
