// What a producer may do, and how long.

internal import ApusFormat

/// Settings of a producer. RocketMQ's names stand beside those that have one.
public struct ProducerConfiguration: Sendable {
    public var client: ClientConfiguration

    /// Whom brokers ask about transactions: all members of a group answer for each other's.
    public var group = "apus-producers"

    /// How long a send may take with all its attempts. (`sendMsgTimeout`)
    public var sendTimeout: Duration = .seconds(3)

    /// How often a send is tried, the first time included: each time on another broker if there is
    /// one. (`retryTimesWhenSendFailed` + 1)
    public var attempts = 3

    /// How long one attempt may take, so that a broker that does not answer leaves time for
    /// another; nil: all the time that is left.
    public var attemptTimeout: Duration?

    /// Whether a send that was refused because the message was not flushed or replicated in time is
    /// tried on another broker: it is stored twice then. (`retryAnotherBrokerWhenNotStoreOK`)
    public var retriesWhatIsNotSafe = false

    /// The longest body, before it is compressed. Brokers have a limit of their own.
    /// (`maxMessageSize`)
    public var maximumMessageBytes = 4 << 20

    /// The longest batch, as it goes over the wire.
    public var maximumBatchBytes = 1 << 20

    /// Nil: nothing is compressed. (`compressType`, `compressMsgBodyOverHowmuch`)
    public var compression: Compression? = Compression()

    /// How many sends may be under way at once; more wait. (`backPressureForAsyncSendNum`)
    public var maximumInFlight = 1024

    /// Bytes of bodies that may be under way at once. (`backPressureForAsyncSendSize`)
    public var maximumInFlightBytes = 100 << 20

    /// Whether a topic that does not exist is created by the first send, as far as brokers allow.
    public var createsTopics = true

    public init(_ client: ClientConfiguration) { self.client = client }

    /// `nameServers` as in `ClientConfiguration`.
    public init(nameServers: String...) {
        var client = ClientConfiguration()
        client.nameServers = nameServers.flatMap {
            ClientConfiguration(nameServers: $0).nameServers
        }
        self.client = client
    }
}

extension ProducerConfiguration {
    /// Throws for what cannot be followed.
    func check() throws(ClientError) {
        try client.check()
        try Names.check(group: group, "reading the configuration")
        func refuse(_ reason: String) -> ClientError {
            ClientError(.invalidSetting, "reading the configuration", reason)
        }
        let times = [
            ("sendTimeout", sendTimeout), ("attemptTimeout", attemptTimeout ?? sendTimeout),
        ]
        for (name, time) in times where time <= .zero {
            throw refuse("\(name) is \(time), but must be above zero")
        }
        let counts = [
            ("attempts", attempts), ("maximumMessageBytes", maximumMessageBytes),
            ("maximumBatchBytes", maximumBatchBytes), ("maximumInFlight", maximumInFlight),
            ("maximumInFlightBytes", maximumInFlightBytes),
        ]
        for (name, count) in counts where count < 1 {
            throw refuse("\(name) is \(count), but must be above zero")
        }
        if maximumInFlightBytes < maximumMessageBytes {
            throw refuse(
                "maximumInFlightBytes is \(maximumInFlightBytes), below the \(maximumMessageBytes)"
                    + " of maximumMessageBytes: a message of that length could never be sent")
        }
        if maximumMessageBytes > client.maximumFrameBytes {
            throw refuse("maximumMessageBytes is above maximumFrameBytes")
        }
        if let compression, let level = compression.level,
            !BodyCompression.levels(compression.codec).contains(level)
        {
            throw refuse("\(compression.codec) has no level \(level)")
        }
    }
}
