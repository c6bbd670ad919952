// Every setting of the NameServer. Each says what it means, its default, and RocketMQ's key.

public import ApusRemoting
import ApusSystem

/// How a NameServer behaves. The defaults are RocketMQ's, but for the key-value file.
public struct NameServerConfiguration: Hashable, Sendable {
    /// The address that it listens on. `bindAddress`, 0.0.0.0.
    public var host = "0.0.0.0"
    /// 0 takes a free one. `listenPort`, 9876.
    public var port = 9876
    /// Event loops that serve connections. `serverSelectorThreads`, 3.
    public var eventLoopCount = 3
    /// A connection on which nothing moves for this long is closed; 0 keeps it.
    /// `serverChannelMaxIdleTimeSeconds`, 120.
    public var idleSeconds: Int64 = 120
    /// Connections that wait to be accepted. `serverSocketBacklog`, 1024.
    public var backlog = 1024
    /// Where the key-value configuration is kept; nil forgets it at the end. `kvConfigPath`:
    /// `mqnamesrv` takes `$HOME/namesrv/kvConfig.json`, where RocketMQ has it too.
    public var keyValuePath: String?
    /// Whether a route holds the queues of an ordered topic. `orderMessageEnable`, false.
    public var sendsOrderToClients = false
    /// Whether a broker is told them when it registers. `returnOrderTopicConfigToBroker`, true.
    public var sendsOrderToBrokers = true
    /// How often silent brokers are looked for, in milliseconds. `scanNotActiveBrokerInterval`,
    /// 5 000. One that says no timeout of its own may be silent for two minutes.
    public var sweepIntervalMilliseconds: Int64 = 5_000
    /// Shows the lowest slave as master where its group wishes so. `supportActingMaster`, false.
    public var showsActingMaster = false
    /// Whether all topics may be asked for. `enableAllTopicList`, true.
    public var listsAllTopics = true
    /// Whether the topics of a cluster or of units may be asked for. `enableTopicList`, true.
    public var listsTopics = true
    /// Tells brokers that the lowest id of their group changed. `notifyMinBrokerIdChanged`, false.
    public var announcesLowestID = false
    /// Answers no route before `warmUpSeconds` have passed. `needWaitForService`, false.
    public var warmsUp = false
    /// `waitSecondsForService`, 45.
    public var warmUpSeconds: Int64 = 45
    /// A registration takes away the topics that it does not name: the broker must not send single
    /// topics then (`enableSingleTopicRegister=false`). `deleteTopicWithBrokerRegistration`, false.
    public var removesUnnamedTopics = false
    /// Which connections are encrypted. `tls.server.mode` and the others, none.
    public var tls = TLSSettings()
    /// What a file said under keys that RocketMQ knows and that mean nothing here, to be shown to
    /// who asks for the configuration.
    public internal(set) var unused: [String: String] = [:]

    public init() {}

    /// What the executables begin with: the key-value file is in the home directory, as with
    /// RocketMQ.
    package static var ofProcess: NameServerConfiguration {
        var configuration = NameServerConfiguration()
        configuration.keyValuePath =
            (ServerProcess.environment("HOME") ?? ".") + "/namesrv/kvConfig.json"
        return configuration
    }

    var rules: RouteTable.Rules {
        RouteTable.Rules(
            showsActingMaster: showsActingMaster, removesUnnamedTopics: removesUnnamedTopics,
            announcesLowestID: announcesLowestID)
    }
}

/// Settings that cannot be followed.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence for each thing that is wrong: which key, and what to do.
    public let problems: [String]

    public var description: String { problems.joined(separator: "\n") }
}

extension NameServerConfiguration {
    /// Refuses settings that no server could follow, or that contradict each other.
    public func check() throws(ConfigurationError) {
        var problems: [String] = []
        func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
            if !holds { problems.append(problem()) }
        }
        require(0...65_535 ~= port, "listenPort=\(port): a port is between 0 and 65535")
        require(
            1...256 ~= eventLoopCount,
            "serverSelectorThreads=\(eventLoopCount): between 1 and 256 threads can serve")
        require(
            idleSeconds >= 0,
            "serverChannelMaxIdleTimeSeconds=\(idleSeconds): 0 keeps idle"
                + " connections, more closes them after as many seconds")
        require(
            !(1..<30 ~= idleSeconds),
            "serverChannelMaxIdleTimeSeconds=\(idleSeconds): brokers register every 30 seconds and"
                + " would lose their connections in between; take 0, or more than 30")
        require(backlog > 0, "serverSocketBacklog=\(backlog): at least one connection must wait")
        require(
            sweepIntervalMilliseconds > 0,
            "scanNotActiveBrokerInterval=\(sweepIntervalMilliseconds): a time above 0 milliseconds")
        require(
            !warmsUp || warmUpSeconds > 0,
            "needWaitForService=true with waitSecondsForService=\(warmUpSeconds): a time above 0,"
                + " or needWaitForService=false")
        require(
            keyValuePath != "", "kvConfigPath is empty: name a file, or leave the key out")
        problems += tls.problems.map(\.description)
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }
}
