// A server over loopback: what brokers, clients and operators send, and what they get.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusSystem
import Logging
import NIOPosix
import TestSupport
import Testing

@testable import ApusNameServer

@Suite("A NameServer over the wire", .timeLimit(.minutes(2)))
struct WireTests {
    private let topics = jsonBody(["TBW102", "Orders"])

    @Test("a route is written for whoever asks: integer keys bare for old clients")
    func dialects() async throws {
        try await withServer { harness in
            let registered = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            #expect(registered.responseCode == .success && registered.body.isEmpty)
            func route(_ version: Int32, _ more: HeaderFields = [:]) async throws -> String {
                var fields = more
                fields["topic"] = "Orders"
                let answer = try await harness.ask(
                    .getRouteinfoByTopic, fields, version: version)
                #expect(answer.responseCode == .success)
                return String(decoding: answer.body, as: UTF8.self)
            }
            let rest =
                #""127.0.0.1:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","#
                + #""enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"#
                + #""brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"#
                + #""writeQueueNums":4}]}"#
            let bare = #"{"brokerDatas":[{"brokerAddrs":{0:"# + rest
            let quoted = #"{"brokerDatas":[{"brokerAddrs":{"0":"# + rest
            #expect(try await route(400) == bare)
            #expect(try await route(401) == quoted)
            #expect(try await route(63, ["acceptStandardJsonOnly": "true"]) == quoted)
            #expect(try await route(63, ["acceptStandardJsonOnly": "false"]) == bare)
        }
    }

    @Test("an unknown topic and an unknown request get RocketMQ's codes and words")
    func unknown() async throws {
        try await withServer { harness in
            let topic = try await harness.ask(.getRouteinfoByTopic, ["topic": "Ghost"])
            #expect(topic.responseCode == .topicNotExist)
            #expect(
                topic.remark
                    == "No topic route info in name server for the topic: Ghost\nSee"
                    + " https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.")
            let code = try await harness.ask(RequestCode(4711))
            #expect(code.responseCode == .requestCodeNotSupported)
            #expect(code.remark == " request type 4711 not supported")
            let field = try await harness.ask(.getRouteinfoByTopic)
            #expect(field.responseCode == .systemError)
            #expect(field.remark?.contains("topic") == true)
        }
    }

    @Test("headers in binary are understood and answered in binary")
    func binary() async throws {
        try await withServer { harness in
            var request = RemotingCommand.request(
                .registerBroker, fields: brokerFields(), body: topics)
            request.serialization = .binary
            let answer = try await harness.client.invoke(request, on: harness.address)
            #expect(answer.responseCode == .success && answer.serialization == .binary)
            #expect(harness.snapshot.topics.count == 2)
        }
    }

    @Test("a compressed registration with its checksum is taken; a wrong checksum changes nothing")
    func compressedAndChecked() async throws {
        try await withServer { harness in
            let body = try compressedBody(topics: ["T 4 8 6 SINGLE_TAG", "U 1 1 4 SINGLE_TAG"])
            let checksum = CRC32.stored(body.rawSpan)
            let empty = harness.snapshot
            let bad = try await harness.ask(
                .registerBroker,
                brokerFields(more: ["compressed": "true", "bodyCrc32": "\(checksum ^ 1)"]),
                body: body)
            #expect(bad.responseCode == .systemError && bad.remark == "crc32 not match")
            #expect(harness.snapshot == empty)
            let good = try await harness.ask(
                .registerBroker,
                brokerFields(more: ["compressed": "true", "bodyCrc32": "\(checksum)"]),
                body: body)
            #expect(good.responseCode == .success)
            #expect(harness.snapshot.topics["T"]?["broker-a"]?.writeQueueCount == 8)
        }
    }

    @Test("a malformed request answers an error and changes nothing")
    func malformed() async throws {
        try await withServer { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            let before = harness.snapshot
            let bodies: [String] = ["{", "[]", #"{"topicConfigSerializeWrapper":7}"#, "\u{0}"]
            for body in bodies {
                for code: RequestCode in [.registerBroker, .registerTopicInNamesrv] {
                    var fields = brokerFields(id: 1, address: "127.0.0.1:1")
                    fields["topic"] = "Orders"
                    let answer = try await harness.ask(code, fields, body: Array(body.utf8))
                    if code == .registerTopicInNamesrv, body.hasPrefix("{\"") { continue }
                    #expect(answer.responseCode == .systemError, "\(code) \(body)")
                    #expect(answer.remark?.isEmpty == false)
                }
                for field in ["haServerAddr", "__ZONE_NAME"] {
                    var fields = brokerFields(id: 1, address: "127.0.0.1:1")
                    for value in ["a\u{1}b", String(repeating: "x", count: 256)] {
                        fields[field] = value
                        let answer = try await harness.ask(.registerBroker, fields, body: topics)
                        #expect(answer.responseCode == .systemError, "\(field)")
                    }
                }
                for field in ["brokerId", "brokerAddr", "clusterName", "brokerName"] {
                    var fields = brokerFields(id: 1, address: "127.0.0.1:1")
                    fields[field] = field == "brokerId" ? "x" : "a\u{1}b"
                    let answer = try await harness.ask(.registerBroker, fields, body: topics)
                    #expect(answer.responseCode == .systemError, "\(field)")
                    fields[field] = nil
                    let missing = try await harness.ask(.registerBroker, fields, body: topics)
                    #expect(missing.remark?.contains(field) == true)
                }
            }
            for body in ["{", "[]", "7", #"{"counter":"x"}"#] {
                let version = try await harness.ask(
                    .queryDataVersion, brokerFields(), body: Array(body.utf8))
                #expect(version.responseCode == .systemError, "\(body)")
            }
            let compressed = try await harness.ask(
                .registerBroker, brokerFields("broker-b", more: ["compressed": "true"]),
                body: topics)
            #expect(compressed.responseCode == .systemError)
            for list in ["7", "{}", #"[7]"#] {
                let answer = try await harness.ask(
                    .registerTopicInNamesrv, ["topic": "Orders"],
                    body: Array(#"{"queueDatas":\#(list)}"#.utf8))
                #expect(answer.responseCode == .systemError, "\(list)")
            }
            let ghost = Array(#"{"queueDatas":[{"brokerName":"ghost"}]}"#.utf8)
            let topic = try await harness.ask(
                .registerTopicInNamesrv, ["topic": "Orders"], body: ghost)
            #expect(topic.responseCode == .systemError)
            #expect(harness.snapshot == before)
        }
    }

    @Test("a broker is gone when its connection closes; a client's close removes nobody")
    func connectionClosed() async throws {
        try await withServer { harness in
            let other = RemotingClient(
                logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
            _ = try await other.invoke(
                .request(.registerBroker, fields: brokerFields(), body: topics),
                on: harness.address)
            let client = RemotingClient(
                logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
            _ = try await client.invoke(
                .request(.getRouteinfoByTopic, fields: ["topic": "Orders"]), on: harness.address)
            await client.close()
            _ = try await harness.ask(.getBrokerClusterInfo)
            #expect(harness.snapshot.groups.count == 1)
            await other.close()
            try await eventually("the broker is gone") { harness.snapshot.groups.isEmpty }
            #expect(harness.snapshot.topics.isEmpty && harness.snapshot.clusters.isEmpty)
        }
    }

    @Test("a silent broker is gone after its own timeout, and its connection is closed")
    func silent() async throws {
        try await withServer { harness in
            let fields = brokerFields(more: ["heartbeatTimeoutMillis": "10000"])
            let connection = try await harness.client.connection(to: harness.address)
            _ = try await harness.ask(.registerBroker, fields, body: topics)
            harness.clock.advance(milliseconds: 9_000)
            _ = try await harness.ask(.brokerHeartbeat, fields)
            harness.clock.advance(milliseconds: 10_000)
            harness.server.processor.sweep()
            #expect(harness.snapshot.groups.count == 1 && connection.isOpen)
            harness.clock.advance(milliseconds: 1)
            harness.server.processor.sweep()
            #expect(harness.snapshot.groups.isEmpty)
            try await eventually("the connection is closed") { !connection.isOpen }
        }
    }

    @Test("a broker that unregisters is gone at once")
    func unregistered() async throws {
        let lines = LogLines()
        try await withServer(logger: lines.logger) { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            _ = try await harness.ask(.unregisterBroker, brokerFields(id: 1))
            #expect(harness.snapshot.groups.count == 1)
            #expect(!lines.contains("broker unregistered"))
            _ = try await harness.ask(.unregisterBroker, brokerFields())
            #expect(harness.snapshot.groups.isEmpty)
            #expect(lines.contains("broker unregistered"))
        }
    }

    @Test("a broker asks whether its topics are on record as they are, and lives on by asking")
    func dataVersion() async throws {
        try await withServer { harness in
            func ask(_ body: String) async throws -> RemotingCommand {
                try await harness.ask(
                    .queryDataVersion, brokerFields(), body: Array(body.utf8))
            }
            let version = #"{"counter":1,"stateVersion":0,"timestamp":1795346241878}"#
            let absent = try await ask(version)
            #expect(absent.fields["changed"] == "true" && absent.body.isEmpty)
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            harness.clock.advance(milliseconds: 100_000)
            let same = try await ask(version)
            #expect(same.fields["changed"] == "false")
            #expect(String(decoding: same.body, as: UTF8.self) == version)
            #expect(try await ask(#"{"counter":2}"#).fields["changed"] == "true")
            #expect(try await ask("").fields["changed"] == "true")
            harness.clock.advance(milliseconds: 100_000)
            harness.server.processor.sweep()
            #expect(harness.snapshot.groups.count == 1)
        }
    }

    @Test("a slave is told where its master is")
    func slave() async throws {
        try await withServer { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            let answer = try await harness.ask(
                .registerBroker, brokerFields(id: 1, address: "127.0.0.1:20911"), body: topics)
            #expect(answer.fields["masterAddr"] == "127.0.0.1:10911")
            #expect(answer.fields["haServerAddr"] == "127.0.0.1:10912")
            #expect(
                try await harness.text(
                    .getBrokerMemberGroup,
                    ["clusterName": "DefaultCluster", "brokerName": "broker-a"])
                    == #"{"brokerMemberGroup":{"brokerAddrs":{0:"127.0.0.1:10911","#
                    + #"1:"127.0.0.1:20911"},"brokerName":"broker-a","#
                    + #""cluster":"DefaultCluster"}}"#)
        }
    }

    @Test("one broker's topic before all of them is refused as RocketMQ refuses it")
    func singleTopic() async throws {
        try await withServer { harness in
            let answer = try await harness.ask(
                .registerBroker, brokerFields(), body: jsonBody(["New"]))
            #expect(answer.responseCode == .systemError)
            #expect(answer.remark?.hasPrefix("register broker failed") == true)
            #expect(harness.snapshot.groups.isEmpty)
        }
    }

    @Test("two NameServers know the same when a broker registers with both")
    func two() async throws {
        try await withServer { first in
            try await withServer { second in
                for harness in [first, second] {
                    _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
                }
                let fields: HeaderFields = ["topic": "Orders"]
                #expect(
                    try await first.text(.getRouteinfoByTopic, fields)
                        == second.text(.getRouteinfoByTopic, fields))
            }
        }
    }
}
