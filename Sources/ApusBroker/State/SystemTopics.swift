// Topics that RocketMQ makes at every start: for itself, for tests, and to make others after.

/// The system's topics of one broker.
struct SystemTopics: Sendable {
    /// What a first start makes. Those in `topics.json` come before these.
    let settings: [TopicSettings]
    private let names: Set<String>

    func contains(_ name: String) -> Bool {
        names.contains(name) || name.hasPrefix(WellKnownName.systemTopicPrefix)
    }

    init(_ configuration: BrokerConfiguration) {
        let topics = configuration.topics
        let (cluster, broker) = (configuration.clusterName, configuration.name)
        func open(_ isOpen: Bool) -> Permission { isOpen ? [.inherit, .read, .write] : .inherit }
        var made = [
            TopicSettings("SELF_TEST_TOPIC", queues: 1),
            TopicSettings("BenchmarkTest", queues: 1024),
            TopicSettings(cluster, permission: open(topics.isClusterTopicOpen)),
            TopicSettings(broker, queues: 1, permission: open(topics.isBrokerTopicOpen)),
            TopicSettings("OFFSET_MOVED_EVENT", queues: 1),
            TopicSettings(WellKnownName.schedule, queues: 18),
            TopicSettings("\(cluster)_REPLY_TOPIC", queues: 1),
            TopicSettings("rmq_sys_REVIVE_LOG_\(cluster)", queues: topics.reviveQueues),
            TopicSettings("rmq_sys_SYNC_BROKER_MEMBER_\(broker)", queues: 1, permission: .inherit),
            TopicSettings(WellKnownName.halfMessages, queues: 1),
            TopicSettings(WellKnownName.halfOperations, queues: 1),
            TopicSettings("rmq_sys_wheel_timer", queues: 1),
        ]
        if topics.createsOnSend {
            made.append(
                TopicSettings(
                    WellKnownName.createdAfter, queues: topics.queues, permission: open(true)))
        }
        if topics.hasTraceTopic { made.append(TopicSettings(topics.traceTopicName, queues: 1)) }
        settings = made
        names = Set(made.map(\.name)).union([
            WellKnownName.createdAfter, "RMQ_SYS_TRACE_TOPIC", WellKnownName.abandonedHalves,
            "CHECKPOINT_TOPIC",
        ])
    }
}
