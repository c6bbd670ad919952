// What a consumer wants, how much it takes at a time, and how patient it is.

internal import ApusFormat

/// How the members of a group share a topic's queues.
public enum ConsumptionModel: Sendable, Hashable {
    /// Each message goes to one member. Offsets are kept by brokers.
    case clustering
    /// Each message goes to every member. Offsets are kept by the member, in `offsetsDirectory`.
    case broadcasting
}

/// Where a group begins in a queue of which it has no offset yet.
public enum ConsumeStart: Sendable, Hashable {
    /// Behind the last message. Brokers let a new group begin at the first one all the same while
    /// all of a queue is recent.
    case last
    case first
    /// At the first message that was stored then or later, in milliseconds since 1970.
    case time(milliseconds: Int64)
}

/// Settings of a consumer. RocketMQ's names stand beside those that have one.
public struct ConsumerConfiguration: Sendable {
    public var client: ClientConfiguration
    public var group: String
    public var subscriptions: [Subscription]

    public var model = ConsumptionModel.clustering
    public var start = ConsumeStart.last

    /// Who gets which queue. All members of a group must have the same.
    public var allocation: any AllocationStrategy = AverageAllocation()

    /// Messages that a pull asks for. (`pullBatchSize`)
    public var pullBatch = 32
    /// Messages of a queue that may be here unconsumed before no more are pulled.
    /// (`pullThresholdForQueue`)
    public var maximumHeldMessages = 1000
    /// Bytes of the same. (`pullThresholdSizeForQueue`)
    public var maximumHeldBytes = 100 << 20
    /// How far the offsets of unconsumed messages of a queue may lie apart: what is pulled while
    /// the first one is not done comes again if the consumer ends. (`consumeConcurrentlyMaxSpan`)
    public var maximumSpan: Int64 = 2000

    /// Handlers that run at the same time. (`consumeThreadMax`)
    public var concurrency = 20
    /// Messages that a batch handler gets at most. (`consumeMessageBatchMaxSize`)
    public var handlerBatch = 1

    /// How often a message is delivered again before it goes to the dead letters; nil: 16 times,
    /// and without end where messages are consumed in order. (`maxReconsumeTimes`)
    public var maximumRetries: Int?
    /// How long a queue in order waits before a failed message is tried again; it doubles up to a
    /// minute. (`suspendCurrentQueueTimeMillis`)
    public var orderlyPause: Duration = .seconds(1)

    /// How often offsets are committed in the background. (`persistConsumerOffsetInterval`)
    public var commitInterval: Duration = .seconds(5)
    /// How often it is looked whose the queues are, besides at once when members come or go.
    public var rebalanceInterval: Duration = .seconds(20)
    /// How long a broker may hold a pull that finds nothing. (`brokerSuspendMaxTimeMillis`)
    public var longPoll: Duration = .seconds(15)
    /// How long the answer to a pull may take beyond that.
    public var pullTimeout: Duration = .seconds(15)
    /// How long handlers may go on with the messages of a queue that goes to another member, and
    /// at the end. What is not done by then comes again.
    public var drainLimit: Duration = .seconds(10)

    /// Bodies that are longer when they are decompressed are handed on as they are.
    public var maximumBodyBytes = 64 << 20

    /// Where a broadcasting consumer keeps its offsets. Needed for `.broadcasting`, since it must
    /// be the member's own, and be there after a restart.
    public var offsetsDirectory: String?

    public init(_ client: ClientConfiguration, group: String, _ subscriptions: Subscription...) {
        self.client = client
        self.group = group
        self.subscriptions = subscriptions
    }
}

extension ConsumerConfiguration {
    /// The topic through which messages of the group come again.
    var retryTopic: String { TopicName.retryTopic(of: group) }

    /// What is asked of brokers: in clustering the retry topic as well.
    var allSubscriptions: [Subscription] {
        model == .clustering ? subscriptions + [Subscription(retryTopic)] : subscriptions
    }

    /// Throws for what cannot be followed.
    func check() throws(ClientError) {
        try client.check()
        let attempt = "reading the configuration"
        try Names.check(group: group, attempt)
        func refuse(_ reason: String) -> ClientError {
            ClientError(.invalidSetting, attempt, reason)
        }
        var topics: Set<String> = []
        for subscription in subscriptions {
            try Names.check(topic: subscription.topic, attempt)
            if !topics.insert(subscription.topic).inserted {
                throw refuse("\(subscription.topic) is subscribed to twice: join its tags by ||")
            }
            if subscription.topic == retryTopic {
                throw refuse("\(retryTopic) is the group's own, and subscribed to anyway")
            }
        }
        try checkNumbers(refuse)
        if model == .broadcasting, (offsetsDirectory ?? "").isEmpty {
            throw refuse("a broadcasting consumer needs an offsetsDirectory of its own")
        }
        if model == .clustering, offsetsDirectory != nil {
            throw refuse("offsetsDirectory is for broadcasting: brokers keep a cluster's offsets")
        }
    }

    private func checkNumbers(_ refuse: (String) -> ClientError) throws(ClientError) {
        let counts: [(String, Int, ClosedRange<Int>)] = [
            ("pullBatch", pullBatch, 1...1024),
            ("maximumHeldMessages", maximumHeldMessages, 1...1_000_000),
            ("maximumHeldBytes", maximumHeldBytes, 1...(16 << 30)),
            ("concurrency", concurrency, 1...10_000), ("handlerBatch", handlerBatch, 1...1024),
            ("maximumRetries", maximumRetries ?? 0, 0...1_000_000),
            ("maximumBodyBytes", maximumBodyBytes, 1...(1 << 30)),
        ]
        for (name, count, bounds) in counts where !bounds.contains(count) {
            throw refuse(
                "\(name) is \(count), but must be \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        if maximumSpan < 1 { throw refuse("maximumSpan is \(maximumSpan), but must be above zero") }
        let times = [
            ("orderlyPause", orderlyPause), ("commitInterval", commitInterval),
            ("rebalanceInterval", rebalanceInterval), ("pullTimeout", pullTimeout),
            ("drainLimit", drainLimit),
        ]
        for (name, time) in times where time <= .zero {
            throw refuse("\(name) is \(time), but must be above zero")
        }
        if longPoll < .zero || longPoll > .seconds(60) {
            throw refuse("longPoll is \(longPoll), but must be 0 to 60 seconds")
        }
    }
}
