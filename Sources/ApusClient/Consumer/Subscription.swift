// What a consumer wants of a topic: all messages, or those with certain tags.

internal import ApusFormat
internal import ApusRemoting

/// A topic, and which of its messages are wanted.
public struct Subscription: Sendable, Hashable {
    public let topic: String
    /// RocketMQ's notation: `*` for all, or tags joined by `||`.
    public let expression: String

    public init(_ topic: String, tags expression: String = "*") {
        self.topic = topic
        self.expression = expression
    }

    /// The wanted tags; none stands for every message.
    var tags: [String] { TagExpression.names(in: expression) }

    /// As heartbeats tell it; `version` grows with each change.
    func json(version: Int64) -> JSON {
        let tags = tags
        let codes = tags.map {
            JSON.integer(Int64(JavaHash.hashCode(utf8: Array($0.utf8).rawSpan)))
        }
        let fields: JSONObject = [
            "classFilterMode": false, "codeSet": .array(codes), "expressionType": "TAG",
            "subString": .string(expression), "subVersion": .integer(version),
            "tagsSet": .array(tags.map { .string($0) }), "topic": .string(topic),
        ]
        return .object(fields)
    }
}

/// Looks at tags themselves: brokers compare hashes, and hashes collide.
struct TagCheck: Sendable {
    private let tags: Set<[UInt8]>

    init(_ subscription: Subscription) { tags = Set(subscription.tags.map { Array($0.utf8) }) }

    func isWanted(_ message: ReceivedMessage) -> Bool {
        tags.isEmpty || tags.contains(Array((message.tag ?? "").utf8))
    }
}
