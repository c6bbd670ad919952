// A server on a free port of the loopback, with a client that asks it.

import ApusRemoting
import ApusSystem
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import ApusNameServer

/// What a test over the wire has.
struct Harness: Sendable {
    let server: NameServer
    let address: String
    let client: RemotingClient
    let clock: ManualClock

    /// Asks, as a 5.3.3 client.
    func ask(
        _ code: RequestCode, _ fields: HeaderFields = [:], body: [UInt8] = [],
        version: Int32 = RemotingCommand.currentVersion
    ) async throws -> RemotingCommand {
        var request = RemotingCommand.request(code, fields: fields, body: body)
        request.version = version
        return try await client.invoke(request, on: address, timeout: .seconds(20))
    }

    func text(_ code: RequestCode, _ fields: HeaderFields = [:]) async throws -> String {
        String(decoding: try await ask(code, fields).body, as: UTF8.self)
    }

    /// All that the server knows, for comparing.
    var snapshot: Snapshot { server.processor.routes { Snapshot($0) } }
}

/// The contents of a route table.
struct Snapshot: Equatable, Sendable {
    let topics: [String: [String: TopicQueues]]
    let groups: [String: BrokerGroup]
    let clusters: [String: Set<String>]
    let brokers: [BrokerPlace: Broker]
    let mappings: [String: [String: JSON]]

    init(_ table: RouteTable) {
        topics = table.topics
        groups = table.groups
        clusters = table.clusters
        brokers = table.brokers
        mappings = table.mappings
    }
}

/// Runs `body` with a server that ends with it.
func withServer(
    disk: any Disk = SystemDisk(), logger: Logger = .quiet,
    _ configure: (inout NameServerConfiguration) -> Void = { _ in },
    _ body: (Harness) async throws -> Void
) async throws {
    var configuration = NameServerConfiguration()
    configuration.host = "127.0.0.1"
    configuration.port = 0
    configure(&configuration)
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try NameServer(
        configuration, logger: logger, group: group, disk: disk, clock: .manual(clock))
    let address = try await server.start()
    let client = RemotingClient(logger: .quiet, group: group)
    let harness = Harness(
        server: server, address: "127.0.0.1:\(try #require(address.port))", client: client,
        clock: clock)
    do {
        try await body(harness)
    } catch {
        await client.close()
        await server.stop()
        throw error
    }
    await client.close()
    await server.stop()
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// The fields of a broker's requests.
func brokerFields(
    _ name: String = "broker-a", id: Int = 0, address: String = "127.0.0.1:10911",
    more: KeyValuePairs<String, String> = [:]
) -> HeaderFields {
    var fields: HeaderFields = [
        "brokerName": name, "brokerId": "\(id)", "brokerAddr": address,
        "clusterName": "DefaultCluster", "haServerAddr": "127.0.0.1:10912",
        "enableActingMaster": "false",
    ]
    for (name, value) in more { fields[name] = value }
    return fields
}

/// A registration body as a broker writes it, with topics of four queues each.
func jsonBody(_ topics: [String], counter: Int = 1) -> [UInt8] {
    let table = topics.map { topic in
        #""\#(topic)":{"attributes":{},"order":false,"perm":6,"readQueueNums":4,"#
            + #""topicFilterType":"SINGLE_TAG","topicName":"\#(topic)","topicSysFlag":0,"#
            + #""writeQueueNums":4}"#
    }
    let text =
        #"{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":"#
        + #"\#(counter),"stateVersion":0,"timestamp":1795346241878},"topicConfigTable":{"#
        + table.joined(separator: ",")
        + #"},"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{}}}"#
    return Array(text.utf8)
}

/// Waits until something holds that another thread brings about.
func eventually(_ what: String, _ holds: () -> Bool) async throws {
    for _ in 0..<1_000 {
        if holds() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never: \(what)")
}
