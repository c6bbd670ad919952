// The keys of RocketMQ's `namesrv.properties`: which do what, and which do nothing here and why.

import ApusRemoting

/// One key of RocketMQ's NamesrvConfig, NettyServerConfig or NettyClientConfig.
struct ConfigurationKey: Sendable {
    enum Handling: Sendable {
        /// It sets a field of ours.
        case flag(any WritableKeyPath<NameServerConfiguration, Bool> & Sendable)
        case count(any WritableKeyPath<NameServerConfiguration, Int> & Sendable)
        case span(any WritableKeyPath<NameServerConfiguration, Int64> & Sendable)
        case text(any WritableKeyPath<NameServerConfiguration, String> & Sendable)
        case path(any WritableKeyPath<NameServerConfiguration, String?> & Sendable)
        /// It is about TLS, as a broker has it too.
        case tls(TLSKey)
        /// It tunes something of Java's that is not here. Shown, and otherwise ignored.
        case unused(standard: String)
        /// What it asks for is not here; false, which asks for nothing, is taken.
        case refused(reason: String)
    }

    let name: String
    let handling: Handling

    init(_ name: String, _ handling: Handling) {
        self.name = name
        self.handling = handling
    }

    static func named(_ name: String) -> ConfigurationKey? { all.first { $0.name == name } }

    /// In the order in which RocketMQ prints them.
    static let all =
        nameServer + server + client + TLSKey.all.map { ConfigurationKey($0.name, .tls($0)) }

    private static let nameServer: [ConfigurationKey] = [
        ConfigurationKey("rocketmqHome", .unused(standard: "")),
        ConfigurationKey("kvConfigPath", .path(\.keyValuePath)),
        ConfigurationKey("configStorePath", .unused(standard: "")),
        ConfigurationKey("productEnvName", .unused(standard: "center")),
        ConfigurationKey(
            "clusterTest",
            .refused(reason: "routes are not asked for at a second, productive NameServer")),
        ConfigurationKey("orderMessageEnable", .flag(\.sendsOrderToClients)),
        ConfigurationKey("returnOrderTopicConfigToBroker", .flag(\.sendsOrderToBrokers)),
        ConfigurationKey("clientRequestThreadPoolNums", .unused(standard: "8")),
        ConfigurationKey("defaultThreadPoolNums", .unused(standard: "16")),
        ConfigurationKey("clientRequestThreadPoolQueueCapacity", .unused(standard: "50000")),
        ConfigurationKey("defaultThreadPoolQueueCapacity", .unused(standard: "10000")),
        ConfigurationKey("scanNotActiveBrokerInterval", .span(\.sweepIntervalMilliseconds)),
        ConfigurationKey("unRegisterBrokerQueueCapacity", .unused(standard: "3000")),
        ConfigurationKey("supportActingMaster", .flag(\.showsActingMaster)),
        ConfigurationKey("enableAllTopicList", .flag(\.listsAllTopics)),
        ConfigurationKey("enableTopicList", .flag(\.listsTopics)),
        ConfigurationKey("notifyMinBrokerIdChanged", .flag(\.announcesLowestID)),
        ConfigurationKey(
            "enableControllerInNamesrv",
            .refused(reason: "there is no controller that elects masters")),
        ConfigurationKey("needWaitForService", .flag(\.warmsUp)),
        ConfigurationKey("waitSecondsForService", .span(\.warmUpSeconds)),
        ConfigurationKey("deleteTopicWithBrokerRegistration", .flag(\.removesUnnamedTopics)),
        ConfigurationKey(
            "configBlackList",
            .unused(standard: "configBlackList;configStorePath;kvConfigPath")),
    ]

    private static let server: [ConfigurationKey] = [
        ConfigurationKey("bindAddress", .text(\.host)),
        ConfigurationKey("listenPort", .count(\.port)),
        ConfigurationKey("serverWorkerThreads", .unused(standard: "8")),
        ConfigurationKey("serverCallbackExecutorThreads", .unused(standard: "0")),
        ConfigurationKey("serverSelectorThreads", .count(\.eventLoopCount)),
        ConfigurationKey("serverOnewaySemaphoreValue", .unused(standard: "256")),
        ConfigurationKey("serverAsyncSemaphoreValue", .unused(standard: "64")),
        ConfigurationKey("serverChannelMaxIdleTimeSeconds", .span(\.idleSeconds)),
        ConfigurationKey("serverSocketSndBufSize", .unused(standard: "0")),
        ConfigurationKey("serverSocketRcvBufSize", .unused(standard: "0")),
        ConfigurationKey("writeBufferHighWaterMark", .unused(standard: "0")),
        ConfigurationKey("writeBufferLowWaterMark", .unused(standard: "0")),
        ConfigurationKey("serverSocketBacklog", .count(\.backlog)),
        ConfigurationKey("serverNettyWorkerGroupEnable", .unused(standard: "true")),
        ConfigurationKey("serverPooledByteBufAllocatorEnable", .unused(standard: "true")),
        ConfigurationKey("enableShutdownGracefully", .unused(standard: "false")),
        ConfigurationKey("shutdownWaitTimeSeconds", .unused(standard: "30")),
        ConfigurationKey("useEpollNativeSelector", .unused(standard: "false")),
    ]

    /// Of RocketMQ's client in the server, which only tells brokers of a change.
    private static let client: [ConfigurationKey] = [
        ConfigurationKey("clientWorkerThreads", .unused(standard: "4")),
        ConfigurationKey("clientCallbackExecutorThreads", .unused(standard: "1")),
        ConfigurationKey("clientOnewaySemaphoreValue", .unused(standard: "65535")),
        ConfigurationKey("clientAsyncSemaphoreValue", .unused(standard: "65535")),
        ConfigurationKey("connectTimeoutMillis", .unused(standard: "3000")),
        ConfigurationKey("channelNotActiveInterval", .unused(standard: "60000")),
        ConfigurationKey("isScanAvailableNameSrv", .unused(standard: "true")),
        ConfigurationKey("clientChannelMaxIdleTimeSeconds", .unused(standard: "120")),
        ConfigurationKey("clientSocketSndBufSize", .unused(standard: "0")),
        ConfigurationKey("clientSocketRcvBufSize", .unused(standard: "0")),
        ConfigurationKey("clientPooledByteBufAllocatorEnable", .unused(standard: "false")),
        ConfigurationKey("clientCloseSocketIfTimeout", .unused(standard: "true")),
        ConfigurationKey("socksProxyConfig", .unused(standard: "{}")),
        ConfigurationKey("disableCallbackExecutor", .unused(standard: "false")),
        ConfigurationKey("disableNettyWorkerGroup", .unused(standard: "false")),
        ConfigurationKey("maxReconnectIntervalTimeSeconds", .unused(standard: "60")),
        ConfigurationKey("enableReconnectForGoAway", .unused(standard: "true")),
    ]
}
