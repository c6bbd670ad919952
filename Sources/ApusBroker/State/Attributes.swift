// Attributes of topics and groups: free texts by name in the files, a few names in changes.

/// What an attribute may be, and whether it may change.
struct AttributeRule: Sendable {
    /// Whether it may be set or removed after the topic was made.
    let isChangeable: Bool
    /// What is wrong with a value; nil when it may be set.
    let complaint: @Sendable (String) -> String?
}

enum Attributes {
    /// RocketMQ's four, less what this broker cannot do.
    static let topic: [String: AttributeRule] = [
        "queue.type": AttributeRule(isChangeable: false) { value in
            switch value {
            case "SimpleCQ": nil
            case "BatchCQ": "queues of batches (BatchCQ) can be read by tools, but not written"
            default: "\(value) is neither SimpleCQ nor BatchCQ"
            }
        },
        "cleanup.policy": AttributeRule(isChangeable: false) { value in
            switch value {
            case "DELETE": nil
            case "COMPACTION": "there is no compaction by keys"
            default: "\(value) is neither DELETE nor COMPACTION"
            }
        },
        "message.type": AttributeRule(isChangeable: true) { value in
            // RocketMQ knows MIXED, and refuses it unless enableMixedMessageType is on.
            let types: Set = ["UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION"]
            return types.contains(value) ? nil : "\(value) is no type of message that a topic has"
        },
        "reserve.time": AttributeRule(isChangeable: true) { _ in
            "there is no tiered store to reserve time in"
        },
    ]

    /// RocketMQ knows none for groups.
    static let group: [String: AttributeRule] = [:]

    /// `current` with `changes` made: `+key` sets, `-key` removes. As RocketMQ does it.
    static func altering(
        _ current: [String: String]?, by changes: [String: String],
        rules: [String: AttributeRule]
    ) throws(StateError) -> [String: String] {
        var altered = current ?? [:]
        var seen: Set<String> = []
        for (key, value) in changes.sorted(by: { $0.key < $1.key }) {
            let name = String(key.dropFirst())
            func refuse(_ reason: String) -> StateError {
                .invalidAttribute(key: key, reason: reason)
            }
            guard key.hasPrefix("+") || key.hasPrefix("-"), !name.isEmpty else {
                throw refuse("a change begins with + or -")
            }
            guard !name.contains("+"), !name.contains("-") else {
                throw refuse("a name holds neither + nor -")
            }
            guard seen.insert(name).inserted else { throw refuse("it is changed twice") }
            guard let rule = rules[name] else { throw refuse("it is unknown") }
            guard current == nil || rule.isChangeable else { throw refuse("it cannot be changed") }
            if key.hasPrefix("+") {
                if let complaint = rule.complaint(value) { throw refuse(complaint) }
                altered[name] = value
            } else {
                guard altered.removeValue(forKey: name) != nil else {
                    throw refuse("there is none to remove")
                }
            }
        }
        return altered
    }
}
