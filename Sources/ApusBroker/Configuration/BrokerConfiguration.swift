// Every setting of a broker, in groups. Each says what it means, its default, and RocketMQ's key.

public import ApusRemoting
public import ApusStore

/// How a broker behaves. The defaults are RocketMQ's.
public struct BrokerConfiguration: Sendable {
    /// The cluster that it belongs to. `brokerClusterName`, DefaultCluster.
    public var clusterName = "DefaultCluster"
    /// Its own name. `brokerName`, the name of the host.
    public var name = "localhost"
    /// Masters have 0. `brokerId`.
    public var brokerID: Int64 = 0
    /// What may be done with any topic of this broker. `brokerPermission`, 6.
    public var permission = Permission.readWrite
    /// The region that messages are marked with. `regionId`, DefaultRegion.
    public var regionID = "DefaultRegion"
    /// Whether sends may be traced. `traceOn`, true.
    public var isTraceOn = true
    /// Sends are refused before this moment, milliseconds since 1970.
    /// `startAcceptsendRequestTimeStamp`, 0.
    public var acceptsSendsFrom: Int64 = 0
    public var network = NetworkSettings()
    /// Which connections are encrypted. `tls.server.mode` and the others, none.
    public var tls = TLSSettings()
    public var registration = RegistrationSettings()
    public var topics = TopicCreationSettings()
    public var groups = GroupCreationSettings()
    public var sending = SendSettings()
    public var pulling = PullSettings()
    public var offsets = OffsetSettings()
    public var delay = DelaySettings()
    public var transactions = TransactionSettings()
    public var access = AccessSettings()
    /// Directory of the store, without a slash at the end. `storePathRootDir`, `store` in the home
    /// directory.
    public var storePath = "store"
    /// With 4 MiB of the log brought into memory ahead of the writer, where the store by itself
    /// takes 16: that is most of what a broker holds that has nothing to do.
    public var store = StoreConfiguration()

    public init() {
        store.commitLog.populateAheadByteCount = 4 << 20
    }
}

/// Where the broker listens, and where clients find it.
public struct NetworkSettings: Hashable, Sendable {
    /// `bindAddress`, 0.0.0.0.
    public var bindAddress = "0.0.0.0"
    /// `listenPort`, 10911; 0 takes any.
    public var port = 10911
    /// The address that clients are told. `brokerIP1`, that of the first interface; nil: find it.
    public var advertisedHost: String?
    /// The address that slaves are told. `brokerIP2`, as above.
    public var replicationHost: String?
    /// Told to slaves; nothing listens there. `haListenPort`, `listenPort` + 1.
    public var replicationPort = 10912
    /// Seconds after which a connection without traffic is closed.
    /// `serverChannelMaxIdleTimeSeconds`, 120.
    public var idleSeconds: Int64 = 120
    /// Threads that serve connections. `serverSelectorThreads`, 3; nil: as many as there are cores,
    /// at most 4.
    public var eventLoopThreads: Int?
    /// Connections that may wait to be accepted. `serverSocketBacklog`, 1024.
    public var backlog = 1024
    /// Milliseconds after which a client that sent no heartbeat is forgotten.
    /// `channelExpiredTimeout`, 120 000.
    public var clientExpiryMilliseconds: Int64 = 120_000
}

/// Whether requests are to be signed, and where the accounts are.
public struct AccessSettings: Hashable, Sendable {
    /// `aclEnable`, false.
    public var isEnabled = false
    /// The directory that holds `conf/plain_acl.yml`, without a slash at the end. `rocketmqHome`,
    /// the environment's ROCKETMQ_HOME.
    public var home: String?
}

/// How NameServers learn of the broker.
public struct RegistrationSettings: Hashable, Sendable {
    /// `host:port` of each. `namesrvAddr`, the environment's NAMESRV_ADDR.
    public var nameServers: [String] = []
    /// From 10 000 to 60 000. `registerNameServerPeriod`, 30 000.
    public var periodMilliseconds: Int64 = 30_000
    /// `registerBrokerTimeoutMills`, 24 000.
    public var timeoutMilliseconds: Int64 = 24_000
    /// Whether each period registers, or asks first whether the NameServer is behind.
    /// `forceRegister`, true.
    public var isForced = true
    /// `compressedRegister`, false.
    public var isCompressed = false
}

/// Topics that nobody made by hand.
public struct TopicCreationSettings: Hashable, Sendable {
    /// Whether `TBW102` is there for topics to be made after. `autoCreateTopicEnable`, true.
    public var createsOnSend = true
    /// Queues of `TBW102`, and so the most that a topic made on send has. `defaultTopicQueueNums`,
    /// 8.
    public var queues: Int32 = 8
    /// Whether the cluster's own topic can be used. `clusterTopicEnable`, true.
    public var isClusterTopicOpen = true
    /// Whether the broker's own topic can be used. `brokerTopicEnable`, true.
    public var isBrokerTopicOpen = true
    /// Whether there is a topic for traces. `traceTopicEnable`, false.
    public var hasTraceTopic = false
    /// `msgTraceTopicName`, RMQ_SYS_TRACE_TOPIC.
    public var traceTopicName = "RMQ_SYS_TRACE_TOPIC"
    /// Bytes in the name of a topic that is made on send. `maxTopicLength`, 127.
    public var nameLimit = 127
    /// Queues of the topic that POP consumers' acknowledgements go to. `reviveQueueNum`, 8.
    public var reviveQueues: Int32 = 8
    /// Whether clients may not make topics with a system topic's name.
    /// `validateSystemTopicWhenUpdateTopic`, true.
    public var protectsSystemTopics = true
    /// Whether removing a topic removes its groups' retry topics too.
    /// `clearRetryTopicWhenDeleteTopic`, true.
    public var removesRetryTopics = true
}

/// Groups that nobody made by hand.
public struct GroupCreationSettings: Hashable, Sendable {
    /// `autoCreateSubscriptionGroup`, true.
    public var createsOnUse = true
    /// Whether groups named `CID_RMQ_SYS_…` are made all the same. `enableCreateSysGroup`, true.
    public var createsSystemGroups = true
    /// Whether consumers of a group are told at once when one comes or goes.
    /// `notifyConsumerIdsChangedEnable`, true.
    public var notifiesConsumerChanges = true
}

/// What sends are held to.
public struct SendSettings: Hashable, Sendable {
    /// Sends that may wait for the device at a time. `sendThreadPoolQueueCapacity`, 10 000.
    public var waitingLimit = 10_000
    /// Replies that may wait for their requester, or for the device, at a time.
    /// `replyThreadPoolQueueCapacity`, 10 000.
    public var waitingReplyLimit = 10_000
    /// Whether replies are stored besides being handed to who waits for them.
    /// `storeReplyMessageEnable`, true.
    public var storesReplies = true
}

/// What pulls get.
public struct PullSettings: Hashable, Sendable {
    /// Whether a pull that finds nothing is held. `longPollingEnable`, true.
    public var holdsPulls = true
    /// How long it is held otherwise. `shortPollingTimeMills`, 1 000.
    public var shortPollMilliseconds: Int64 = 1_000
    /// Pulls that may be held at a time. `pullThreadPoolQueueCapacity`, 100 000.
    public var heldLimit = 100_000
    /// Bytes of one answer; a first message may be longer. `maxTransferBytesOnMessageInMemory`,
    /// 256 KiB.
    public var hotByteCount = 256 << 10
    /// Messages of one answer. `maxTransferCountOnMessageInMemory`, 32.
    public var hotCount = 32
    /// Per cent of the machine's memory that the newest messages are taken to be in.
    /// `accessMessageInMemoryMaxRatio`, 40.
    public var memoryPercent = 40
    /// Entries that a filtered pull looks at, in bytes of ConsumeQueue. `maxFilterMessageSize`,
    /// 16 000.
    public var filteredByteCount = 16_000
    /// Messages that a client may ask for. `pullBatchMaxMessageCount`, 160.
    public var batchLimit = 160
    /// Messages that a query by key may ask for. `maxMsgsNumBatch`, 64.
    public var indexQueryLimit = 64
    /// Messages that a query by unique id gets. `defaultQueryMaxNum`, 32.
    public var indexQueryCount = 32
    /// Whether offsets that an administrator set are kept by the broker until consumers take them.
    /// `useServerSideResetOffset`, true.
    public var keepsResets = true
}

/// How often offsets are written, and count as changed.
public struct OffsetSettings: Hashable, Sendable {
    /// `flushConsumerOffsetInterval`, 5 000.
    public var intervalMilliseconds: Int64 = 5_000
    /// Commits that make a new data version. `consumerOffsetUpdateVersionStep`, 500.
    public var versionStep = 500
}

/// Messages that are delivered later.
public struct DelaySettings: Hashable, Sendable {
    /// Milliseconds of each level, from level 1. `messageDelayLevel`, "1s 5s 10s 30s 1m 2m 3m 4m 5m
    /// 6m 7m 8m 9m 10m 20m 30m 1h 2h".
    public var levels: [Int64] =
        [1, 5, 10, 30].map { $0 * 1_000 }
        + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30].map { $0 * 60_000 }
        + [1, 2].map { $0 * 3_600_000 }
    /// `flushDelayOffsetInterval`, 10 000.
    public var intervalMilliseconds: Int64 = 10_000
    /// Deliveries that make a new data version. `delayOffsetUpdateVersionStep`, 200.
    public var versionStep = 200
}

/// Messages that are delivered when their producer says so.
public struct TransactionSettings: Hashable, Sendable {
    /// Whether halves of transactions are refused. `rejectTransactionMessage`, false.
    public var isRefused = false
    /// Milliseconds from a message's birth before which its producer is not asked, unless the
    /// message says otherwise. `transactionTimeOut`, 6 000.
    public var timeoutMilliseconds: Int64 = 6_000
    /// Times that a producer is asked; then the message goes to `TRANS_CHECK_MAX_TIME_TOPIC`.
    /// `transactionCheckMax`, 15.
    public var checkLimit = 15
    /// Milliseconds between looks for halves to ask about. `transactionCheckInterval`, 30 000.
    public var intervalMilliseconds: Int64 = 30_000
}
