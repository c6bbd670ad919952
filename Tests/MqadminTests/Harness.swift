// A NameServer and a broker on free ports of the loopback, and the tool as it is run from a shell.

import ApusBroker
import ApusFormat
import ApusNameServer
import ApusRemoting
import ApusStore
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import mqadmin

/// How a run of the tool ended, and what it printed.
struct ToolRun: Sendable {
    let code: Int32
    let text: String
    let complaints: String

    var lines: [String] { text.split(separator: "\n").map(String.init) }
    /// The words of each line.
    var cells: [[String]] { lines.map { $0.split(separator: " ").map(String.init) } }

    func json() throws -> JSON { try JSON(parsing: text) }
}

/// Runs `mqadmin` with these words.
func mqadmin(
    _ words: [String], environment: String? = nil, home: String? = nil,
    javaOptions: String? = nil
) async -> ToolRun {
    let printed = Mutex("")
    let complained = Mutex("")
    let code = await AdminTool.run(
        words, nameServers: environment, home: home, javaOptions: javaOptions,
        output: Output(
            print: { text in printed.withLock { $0 += text } },
            complain: { text in complained.withLock { $0 += text } }))
    return ToolRun(
        code: code, text: printed.withLock { $0 }, complaints: complained.withLock { $0 })
}

/// What a test has.
struct Cluster: Sendable {
    let nameServer: String
    let broker: Broker
    let client: RemotingClient
    let tls: TLSSettings
    var address: String { broker.address.description }

    func run(_ words: String...) async -> ToolRun {
        await mqadmin(flags + words, environment: nameServer)
    }

    /// What says of TLS what the servers do.
    private var flags: [String] {
        tls.own?.trustPath.map { ["-Dtls.enable=true", "-Dtls.client.trustCertPath=\($0)"] } ?? []
    }

    /// The same, which must end well.
    @discardableResult
    func done(_ words: String..., line: Int = #line) async throws -> ToolRun {
        let run = await mqadmin(flags + words, environment: nameServer)
        #expect(run.code == 0 && run.complaints == "", "line \(line): \(words) \(run.complaints)")
        return run
    }

    func ask(_ code: RequestCode, _ fields: HeaderFields = [:], json: String = "") async throws {
        let command = RemotingCommand.request(code, fields: fields, body: Array(json.utf8))
        let answer = try await client.invoke(command, on: address, timeout: .seconds(20))
        #expect(answer.responseCode == .success, "\(code): \(answer.remark ?? "")")
    }

    /// A heartbeat of a consumer and a producer.
    func connect(
        _ client: RemotingClient? = nil, group: String = "readers", topic: String = "Orders",
        model: String = "CLUSTERING", tags: [String] = []
    ) async throws {
        let list = tags.map { "\"\($0)\"" }.joined(separator: ",")
        let expression = tags.isEmpty ? "*" : tags.joined(separator: "||")
        let json = """
            {"clientID":"10.0.0.7@1","consumerDataSet":[{"consumeFromWhere":\
            "CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"\(group)",\
            "messageModel":"\(model)","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],\
            "expressionType":"TAG","subString":"\(expression)","subVersion":1,"tagsSet":[\(list)],\
            "topic":"\(topic)"}],"unitMode":false}],"producerDataSet":[{"groupName":"writers"}]}
            """
        let command = RemotingCommand.request(.heartBeat, body: Array(json.utf8))
        let answer = try await (client ?? self.client).invoke(command, on: address)
        #expect(answer.responseCode == .success)
    }

    func commit(_ offset: Int, group: String = "readers", topic: String = "Orders", queue: Int = 0)
        async throws
    {
        try await ask(
            .updateConsumerOffset,
            [
                "consumerGroup": group, "topic": topic, "queueId": "\(queue)",
                "commitOffset": "\(offset)",
            ])
    }

    /// Makes a topic, and waits until the NameServer knows it.
    func make(_ topic: String, queues: Int = 2) async throws {
        try await done(
            "updateTopic", "-b", address, "-t", topic, "-r", "\(queues)", "-w", "\(queues)")
        try await known(topic)
    }

    func known(_ topic: String) async throws {
        try await eventually("the NameServer knows \(topic)") {
            await run("topicRoute", "-t", topic).code == 0
        }
    }
}

/// Runs `body` with servers that end with it.
func withCluster(
    tls: TLSSettings = TLSSettings(), _ body: (Cluster) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    var naming = NameServerConfiguration()
    naming.host = "127.0.0.1"
    naming.port = 0
    naming.tls = tls
    let nameServer = try NameServer(naming, logger: .quiet)
    let place = "127.0.0.1:\(try #require(try await nameServer.start().port))"
    var configuration = BrokerConfiguration.forTests(in: directory)
    configuration.registration.nameServers = [place]
    configuration.tls = tls
    let broker = try await Broker.start(configuration, logger: .quiet)
    var remoting = RemotingConfiguration()
    remoting.clientTLS = tls.own
    let client = RemotingClient(
        configuration: remoting, logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
    let cluster = Cluster(nameServer: place, broker: broker, client: client, tls: tls)
    let result: Result<Void, any Error>
    do {
        try await cluster.known("TBW102")
        try await body(cluster)
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await client.close()
    try await broker.stop()
    await nameServer.stop()
    try result.get()
}

extension BrokerConfiguration {
    static func forTests(in directory: TemporaryDirectory) -> BrokerConfiguration {
        var configuration = BrokerConfiguration()
        configuration.name = "broker-a"
        configuration.storePath = directory.path + "/store"
        configuration.store = .small
        configuration.network.bindAddress = "127.0.0.1"
        configuration.network.advertisedHost = "127.0.0.1"
        configuration.network.port = 0
        configuration.network.eventLoopThreads = 1
        return configuration
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Waits until something holds that another thread brings about.
func eventually(_ what: String, _ holds: () async -> Bool) async throws {
    for _ in 0..<400 {
        if await holds() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("never: \(what)")
}
