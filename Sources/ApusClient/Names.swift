// Which names topics and groups may have: RocketMQ's rules, checked before anything is sent.

internal import ApusFormat

enum Names {
    static let topicLimit = 127
    /// So that the name of the group's retry topic is one.
    static let groupLimit = 255 - TopicName.retryPrefix.utf8.count

    /// Throws for a name that no topic can have.
    static func check(topic: String, _ attempt: String) throws(ClientError) {
        try check(topic, "topic", limit: TopicName.isOfGroup(topic) ? 255 : topicLimit, attempt)
    }

    /// Throws for a name that no group can have.
    static func check(group: String, _ attempt: String) throws(ClientError) {
        try check(group, "group", limit: groupLimit, attempt)
    }

    private static func check(
        _ name: String, _ kind: String, limit: Int, _ attempt: String
    ) throws(ClientError) {
        if name.isEmpty {
            throw ClientError(.invalidMessage, attempt, "the \(kind) has no name")
        }
        guard TopicName.isAllowed(name) else {
            throw ClientError(
                .invalidMessage, attempt,
                "the \(kind)'s name \"\(name)\" may hold letters, digits and %|_- only")
        }
        let count = name.utf8.count
        if count > limit {
            throw ClientError(
                .invalidMessage, attempt,
                "the \(kind)'s name has \(count) characters, above the limit of \(limit)")
        }
    }
}
