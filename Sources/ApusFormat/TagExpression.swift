// RocketMQ's notation for subscriptions by tags: `TagA || TagB`; `|` alone may stand in a tag.
// `*` and nothing at all stand for every message.

/// Takes expressions of tags apart: the one place that does.
package enum TagExpression {
    /// The tags that an expression names, in its order; none when it stands for every message.
    package static func names(in expression: String) -> [String] {
        let names = expression.split(separator: "||").map { part in
            part.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        }.map { String($0) }.filter { !$0.isEmpty }
        return names == ["*"] ? [] : names
    }
}
