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

    package init(name: String) {
        self.name = name
        // Safe: bytes have no invalid patterns, and the copy is made within the call.
        bytes = unsafe MappedBytes.copy(Array(name.utf8).span.bytes)
        version = RecordVersion(topicCharacterCount: name.utf16.count)
    }

    deinit { bytes.deallocate() }
}
