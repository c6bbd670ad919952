// What a group wants of a topic, and how it consumes.

import ApusStore

/// A subscription as a heartbeat or a pull names it.
struct Subscription: Sendable {
    let topic: String
    /// `*`, or tags joined by `||`.
    let expression: String
    /// `TAG`; anything else is a language that this broker does not read.
    let expressionType: String
    /// When the client subscribed, by its own clock; newer wins.
    let version: Int64
    /// Made of `expression` once.
    let filter: TagFilter

    init(
        topic: String, expression: String = "*", expressionType: String = Self.tags,
        version: Int64 = 0
    ) {
        self.topic = topic
        self.expression = expression
        self.expressionType = expressionType.isEmpty ? Self.tags : expressionType
        self.version = version
        filter = TagFilter(expression)
    }

    static let tags = "TAG"
    var isByTags: Bool { expressionType == Self.tags }
}

/// How a group consumes, in the protocol's words.
struct ConsumptionStyle: Hashable, Sendable {
    /// `CONSUME_ACTIVELY`, `CONSUME_PASSIVELY` or `CONSUME_POP`.
    var type = "CONSUME_PASSIVELY"
    /// `CLUSTERING` or `BROADCASTING`.
    var model = "CLUSTERING"
    /// Where a new group begins.
    var start = "CONSUME_FROM_LAST_OFFSET"

    var isBroadcasting: Bool { model == "BROADCASTING" }

    /// The words of the C++ client's numbers.
    static let types = ["CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"]
    static let models = ["BROADCASTING", "CLUSTERING"]
    static let starts = [
        "CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
        "CONSUME_FROM_MIN_OFFSET", "CONSUME_FROM_MAX_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
        "CONSUME_FROM_TIMESTAMP",
    ]
}

/// A group of consumers in a heartbeat.
struct ConsumerHeartbeat: Sendable {
    let group: String
    var consumption = ConsumptionStyle()
    /// Nil when the client says that they are as they were.
    var subscriptions: [Subscription]?
    /// Whether its retry topic is for units.
    var isUnit = false
}
