// A message that is to be sent.

/// What a producer sends: a body for a topic, and what is said about it.
public struct Message: Sendable, Hashable {
    public var topic: String
    /// At least one byte.
    public var body: [UInt8]
    /// By which consumers choose. RocketMQ has one tag a message.
    public var tag: String?
    /// Words by which the message can be found later, without blanks.
    public var keys: [String] = []
    /// Properties of your own. Names that RocketMQ uses itself are refused, and so are empty
    /// values, which no reader would see.
    public var properties: [String: String] = [:]
    /// Deliver it later: one of the broker's levels, from 1 (1 s, 5 s, 10 s, 30 s, 1 min, and so
    /// on up to 2 h, unless the broker is set up otherwise). 0: at once.
    public var delayLevel = 0
    /// A number for the application, passed on unread.
    public var flag: Int32 = 0
    /// Whether the answer waits for what the broker waits for before it acknowledges: the device,
    /// replicas.
    public var waitsForStore = true

    /// Any bytes.
    public init(_ body: [UInt8], to topic: String, tag: String? = nil, keys: [String] = []) {
        self.topic = topic
        self.body = body
        self.tag = tag
        self.keys = keys
    }

    /// Text, as UTF-8.
    public init(_ text: String, to topic: String, tag: String? = nil, keys: [String] = []) {
        self.init(Array(text.utf8), to: topic, tag: tag, keys: keys)
    }
}
