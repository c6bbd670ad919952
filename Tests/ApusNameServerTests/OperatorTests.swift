// What operators ask over the wire: lists, permissions, topics by hand, key-value configuration.

import ApusFormat
import ApusRemoting
import ApusSystem
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusNameServer

@Suite("A NameServer and its operators", .timeLimit(.minutes(2)))
struct OperatorTests {
    private let topics = jsonBody(["TBW102", "Orders"])

    @Test("lists of topics, and settings that forbid them")
    func lists() async throws {
        try await withServer { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            let all = #"{"topicList":["Orders","TBW102"]}"#
            #expect(try await harness.text(.getAllTopicListFromNameserver) == all)
            #expect(
                try await harness.text(.getTopicsByCluster, ["cluster": "DefaultCluster"]) == all)
            #expect(
                try await harness.text(.getTopicsByCluster, ["cluster": "x"])
                    == #"{"topicList":[]}"#)
            #expect(
                try await harness.text(.getSystemTopicListFromNs)
                    == #"{"brokerAddr":"127.0.0.1:10911","#
                    + #""topicList":["DefaultCluster","broker-a"]}"#)
            for code: RequestCode in [
                .getUnitTopicList, .getHasUnitSubTopicList, .getHasUnitSubUnunitTopicList,
            ] {
                #expect(try await harness.text(code) == #"{"topicList":[]}"#)
            }
        }
        try await withServer {
            $0.listsAllTopics = false
            $0.listsTopics = false
        } _: { harness in
            for code: RequestCode in [
                .getAllTopicListFromNameserver, .getTopicsByCluster, .getUnitTopicList,
            ] {
                let answer = try await harness.ask(code, ["cluster": "c"])
                #expect(answer.responseCode == .systemError && answer.remark == "disable")
            }
        }
    }

    @Test("write permissions are wiped and added; topics are registered and deleted")
    func changes() async throws {
        try await withServer { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            let wiped = try await harness.ask(.wipeWritePermOfBroker, ["brokerName": "broker-a"])
            #expect(wiped.fields["wipeTopicCount"] == "2")
            let route: HeaderFields = ["topic": "Orders"]
            #expect(try await harness.text(.getRouteinfoByTopic, route).contains(#""perm":4"#))
            let added = try await harness.ask(.addWritePermOfBroker, ["brokerName": "broker-a"])
            #expect(added.fields["addTopicCount"] == "2")
            #expect(try await harness.text(.getRouteinfoByTopic, route).contains(#""perm":6"#))
            let queues =
                #"{"queueDatas":[{"brokerName":"broker-a","readQueueNums":1,"perm":6}]}"#
            _ = try await harness.ask(
                .registerTopicInNamesrv, ["topic": "New"], body: Array(queues.utf8))
            #expect(harness.snapshot.topics["New"]?["broker-a"]?.readQueueCount == 1)
            _ = try await harness.ask(.deleteTopicInNamesrv, ["topic": "New", "clusterName": "x"])
            #expect(harness.snapshot.topics["New"] != nil)
            _ = try await harness.ask(.deleteTopicInNamesrv, ["topic": "New"])
            #expect(harness.snapshot.topics["New"] == nil)
        }
    }

    @Test("keys are put, read, listed, deleted, and told to brokers and clients")
    func keyValues() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/kv.json"
        let key: HeaderFields = ["namespace": "ORDER_TOPIC_CONFIG", "key": "Orders"]
        try await withServer {
            $0.keyValuePath = path
            $0.sendsOrderToClients = true
        } _: { harness in
            var put = key
            put["value"] = "broker-a:4"
            #expect(try await harness.ask(.putKvConfig, put).responseCode == .success)
            #expect(try await harness.ask(.getKvConfig, key).fields["value"] == "broker-a:4")
            let list = #"{"table":{"Orders":"broker-a:4"}}"#
            #expect(
                try await harness.text(
                    .getKvlistByNamespace, ["namespace": "ORDER_TOPIC_CONFIG"]) == list)
            let registered = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            #expect(String(decoding: registered.body, as: UTF8.self) == list)
            #expect(
                try await harness.text(.getRouteinfoByTopic, ["topic": "Orders"])
                    .contains(#""orderTopicConf":"broker-a:4""#))
        }
        try await withServer {
            $0.keyValuePath = path
        } _: { harness in
            #expect(try await harness.ask(.getKvConfig, key).fields["value"] == "broker-a:4")
            #expect(try await harness.ask(.deleteKvConfig, key).responseCode == .success)
            let gone = try await harness.ask(.getKvConfig, key)
            #expect(gone.responseCode == .queryNotFound)
            #expect(gone.remark == "No config item, Namespace: ORDER_TOPIC_CONFIG Key: Orders")
            let none = try await harness.ask(.getKvlistByNamespace, ["namespace": "x"])
            #expect(none.responseCode == .queryNotFound)
        }
    }

    @Test("a key that cannot be written is an error, and nobody sees it")
    func unwritable() async throws {
        try await withServer {
            $0.keyValuePath = "/proc/nowhere/kv.json"
        } _: { harness in
            let put: HeaderFields = ["namespace": "n", "key": "k", "value": "v"]
            let answer = try await harness.ask(.putKvConfig, put)
            #expect(answer.responseCode == .systemError)
            #expect(answer.remark?.contains("/proc/nowhere") == true)
            #expect(try await harness.ask(.getKvConfig, put).responseCode == .queryNotFound)
        }
    }

    @Test("what a peer says makes no lines of its own in the log")
    func logLines() async throws {
        let lines = LogLines()
        try await withServer(logger: lines.logger) { harness in
            let name = "a\nerror: forged\u{1B}[2J\r\u{9B}31m\u{202E}"
            _ = try await harness.ask(.deleteTopicInNamesrv, ["topic": name, "clusterName": name])
            _ = try await harness.ask(.wipeWritePermOfBroker, ["brokerName": name])
            _ = try await harness.ask(
                .putKvConfig, ["namespace": name, "key": name, "value": name])
            _ = try await harness.ask(.deleteKvConfig, ["namespace": name, "key": name])
            _ = try await harness.ask(.unregisterBroker, brokerFields(more: ["brokerId": name]))
            // These may stand in names.
            let fields = brokerFields("a\u{9B}31m", address: "\u{202E}b")
            for code in [.registerBroker, .unregisterBroker, .registerBroker] as [RequestCode] {
                _ = try await harness.ask(code, fields, body: jsonBody(["A", "B"]))
            }
            harness.clock.advance(milliseconds: 200_000)
            harness.server.processor.sweep()
        }
        #expect(lines.all.filter { $0.contains("forged") }.count == 5)
        #expect(lines.all.filter { $0.contains(#"\u{202e}b"#) }.count == 4)
        #expect(!lines.all.contains { $0.unicodeScalars.contains(where: Printable.isControl) })
    }

    @Test("the configuration is shown, and not changed over the network")
    func configuration() async throws {
        try await withServer { harness in
            let shown = try await harness.text(.getNamesrvConfig)
            #expect(shown.hasPrefix("bindAddress=127.0.0.1\n"))
            let change = Array("kvConfigPath=/etc/cron.d/x".utf8)
            let answer = try await harness.ask(.updateNamesrvConfig, body: change)
            #expect(answer.responseCode == .noPermission)
            #expect(try await harness.text(.getNamesrvConfig) == shown)
        }
    }

    @Test("while it warms up it answers no route")
    func warmUp() async throws {
        try await withServer {
            $0.warmsUp = true
        } _: { harness in
            _ = try await harness.ask(.registerBroker, brokerFields(), body: topics)
            harness.clock.advance(milliseconds: 44_999)
            let early = try await harness.ask(.getRouteinfoByTopic, ["topic": "Orders"])
            #expect(early.responseCode == .systemError)
            #expect(early.remark == "name server not ready")
            harness.clock.advance(milliseconds: 1)
            let ready = try await harness.ask(.getRouteinfoByTopic, ["topic": "Orders"])
            #expect(ready.responseCode == .success)
        }
    }

    @Test("a client that stays in its zone sees the brokers there, and groups without a master")
    func zones() async throws {
        try await withServer { harness in
            for (name, zone, id) in [("a", "east", 0), ("b", "west", 0), ("c", "west", 1)] {
                let fields = brokerFields(
                    name, id: id, address: "127.0.0.1:\(name)", more: ["__ZONE_NAME": zone])
                _ = try await harness.ask(.registerBroker, fields, body: topics)
            }
            func names(_ mode: String, _ zone: String) async throws -> [String] {
                let text = try await harness.text(
                    .getRouteinfoByTopic,
                    ["topic": "Orders", "__ZONE_MODE": mode, "__ZONE_NAME": zone])
                let groups = try JSON(parsing: Array(text.utf8).rawSpan)["brokerDatas"]?.array ?? []
                return groups.compactMap { $0["brokerName"]?.string }
            }
            #expect(try await names("true", "EAST") == ["a", "c"])
            #expect(try await names("false", "east") == ["a", "b", "c"])
            #expect(try await names("true", " ") == ["a", "b", "c"])
        }
    }

    @Test("brokers are told by a one-way request when the lowest id of their group changes")
    func announcements() async throws {
        let told = Told()
        let slave = RemotingServer(
            processor: told, logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
        let port = try #require(try await slave.start(host: "127.0.0.1", port: 0).port)
        try await withServer {
            $0.announcesLowestID = true
        } _: { harness in
            let acts: KeyValuePairs = ["enableActingMaster": "true"]
            let address = "127.0.0.1:\(port)"
            let master = brokerFields(more: acts)
            _ = try await harness.ask(.registerBroker, master, body: topics)
            _ = try await harness.ask(
                .registerBroker, brokerFields(id: 1, address: address, more: acts),
                body: topics)
            _ = try await harness.ask(.unregisterBroker, master)
            try await eventually("the slave is told") { told.requests.count == 1 }
            let request = try #require(told.requests.first)
            #expect(request.requestCode == .notifyMinBrokerIdChange && request.isOneWay)
            #expect(request.fields["minBrokerId"] == "1")
            #expect(request.fields["minBrokerAddr"] == address)
            #expect(request.fields["offlineBrokerAddr"] == "127.0.0.1:10911")
        }
        await slave.stop()
    }

    /// A broker that keeps what it is told.
    private final class Told: RequestProcessor {
        private let kept = Mutex<[RemotingCommand]>([])
        var requests: [RemotingCommand] { kept.withLock { $0 } }
        func process(_ request: borrowing Request, on connection: Connection) {
            let command = request.command
            kept.withLock { $0.append(command) }
        }
    }
}
