// Namespaces of the NameServers' key-value configuration that have a meaning.

package enum KeyValueNamespace {
    /// How many queues each broker has of an ordered topic: `broker-a:4;broker-b:4` by topic.
    package static let orderedTopics = "ORDER_TOPIC_CONFIG"
}
