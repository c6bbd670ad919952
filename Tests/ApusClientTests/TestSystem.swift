// A NameServer and brokers in this process, for clients to talk to.

import ApusBroker
import ApusFormat
import ApusNameServer
import ApusRemoting
import ApusStore
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import ApusClient

/// A RocketMQ system over loopback.
final class TestSystem: Sendable {
    private struct State {
        var nameServer: NameServer?
        var brokers: [String: Broker] = [:]
    }

    let directory: TemporaryDirectory
    /// What servers and clients do with TLS, if it is anything.
    let tls: TLSSettings
    private let state = Mutex(State())
    private let nameServerPort = Mutex(0)

    init(tls: TLSSettings = TLSSettings()) throws {
        directory = try TemporaryDirectory()
        self.tls = tls
    }

    var nameServer: String { "127.0.0.1:\(nameServerPort.withLock { $0 })" }

    /// Starts the NameServer, after the first time on the port that it had.
    func startNameServer() async throws {
        var configuration = NameServerConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = nameServerPort.withLock { $0 }
        configuration.eventLoopCount = 1
        configuration.tls = tls
        let server = try NameServer(configuration, logger: .quiet)
        let port = try #require(try await server.start().port)
        nameServerPort.withLock { $0 = port }
        state.withLock { $0.nameServer = server }
    }

    func stopNameServer() async {
        let server = state.withLock { state in
            defer { state.nameServer = nil }
            return state.nameServer
        }
        await server?.stop()
    }

    /// Starts a broker, again on the directory that it had.
    @discardableResult
    func startBroker(
        _ name: String = "broker-a", port: Int = 0,
        _ change: (inout BrokerConfiguration) -> Void = { _ in }
    ) async throws -> Broker {
        var configuration = BrokerConfiguration()
        configuration.name = name
        configuration.storePath = "\(directory.path)/\(name)"
        configuration.store = .small
        configuration.network.bindAddress = "127.0.0.1"
        configuration.network.advertisedHost = "127.0.0.1"
        configuration.network.port = port
        configuration.network.eventLoopThreads = 1
        configuration.registration.nameServers = [nameServer]
        configuration.tls = tls
        change(&configuration)
        let broker = try await Broker.start(configuration, logger: .quiet)
        state.withLock { $0.brokers[name] = broker }
        return broker
    }

    func stopBroker(_ name: String = "broker-a") async throws {
        let broker = state.withLock { $0.brokers.removeValue(forKey: name) }
        try await broker?.stop()
    }

    func broker(_ name: String = "broker-a") -> Broker? { state.withLock { $0.brokers[name] } }

    /// Waits until the NameServer knows so many brokers.
    func waitForBrokers(_ count: Int = 1) async throws {
        let core = try ClientCore(client)
        try await eventually("\(count) brokers are registered") {
            try? await core.routes.refresh(TopicName.template)
            _ = try? await core.routes.route(
                of: TopicName.template, creates: false, until: Deadline(after: .seconds(1)))
            return core.routes.groups.count >= count
        }
        await core.remoting.close()
    }

    var client: ClientConfiguration {
        var client = ClientConfiguration(nameServers: nameServer)
        client.logger = .quiet
        client.tls = tls.own
        return client
    }

    func stop() async {
        let brokers = state.withLock { state in
            defer { state.brokers = [:] }
            return state.brokers.values.map { $0 }
        }
        for broker in brokers { try? await broker.stop() }
        await stopNameServer()
    }
}

/// Runs `body` with a NameServer and a broker.
func withSystem(
    brokers: [String] = ["broker-a"], tls: TLSSettings = TLSSettings(),
    _ change: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (TestSystem) async throws -> Void
) async throws {
    let system = try TestSystem(tls: tls)
    let result: Result<Void, any Error>
    do {
        try await system.startNameServer()
        for name in brokers { try await system.startBroker(name, change) }
        try await system.waitForBrokers(brokers.count)
        try await body(system)
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await system.stop()
    try result.get()
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Waits until something holds that another thread brings about.
func eventually(
    _ what: String, within time: Duration = .seconds(20),
    _ place: SourceLocation = #_sourceLocation, _ holds: () async throws -> Bool
) async throws {
    let end = Deadline(after: time)
    while !end.isOver {
        if try await holds() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never: \(what)", sourceLocation: place)
}

extension Broker {
    var place: String { address.description }
}

/// The messages of a queue, read without a consumer.
func messages(
    _ system: TestSystem, _ topic: String, broker: String = "broker-a", queue: Int32 = 0
) async throws -> [ReceivedMessage] {
    let core = try ClientCore(system.client)
    let address = try #require(system.broker(broker)).place
    var all: [ReceivedMessage] = []
    while true {
        let answer = try await core.ask(
            .request(
                .pullMessage,
                fields: [
                    "consumerGroup": "test-readers", "topic": topic, "queueId": "\(queue)",
                    "queueOffset": "\(all.count)", "maxMsgNums": "32", "sysFlag": "4",
                    "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*",
                    "subVersion": "0", "expressionType": "TAG",
                ]), on: address, "pulling")
        guard answer.responseCode == .success else { break }
        let contents = PulledRecords.read(answer.body, broker: broker, bodyLimit: 64 << 20)
        all += contents.messages.map { $0.opened() }
    }
    await core.remoting.close()
    return all
}

/// The messages of all queues of a topic on a broker.
func allMessages(
    _ system: TestSystem, _ topic: String, broker: String = "broker-a", queues: Int32 = 4
) async throws -> [ReceivedMessage] {
    var all: [ReceivedMessage] = []
    for queue in 0..<queues {
        all += try await messages(system, topic, broker: broker, queue: queue)
    }
    return all
}
