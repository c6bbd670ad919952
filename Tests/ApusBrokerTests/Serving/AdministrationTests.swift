// What administrators' tools ask, over loopback.

import ApusFormat
import ApusRemoting
import Testing

@testable import ApusBroker

@Suite("an administrator") struct AdministrationTests {
    private func makeTopic(
        _ client: TestClient, _ name: String, queues: Int = 2
    ) async throws -> RemotingCommand {
        try await client.ask(
            .updateAndCreateTopic,
            [
                "topic": name, "defaultTopic": "TBW102", "readQueueNums": "\(queues)",
                "writeQueueNums": "\(queues)", "perm": "6", "topicFilterType": "SINGLE_TAG",
                "topicSysFlag": "0", "order": "false",
            ])
    }

    @Test("makes, sees and removes topics")
    func topics() async throws {
        try await withBroker { client in
            #expect(try await makeTopic(client, "Bills").responseCode == .success)
            let seen = try await client.ask(.getTopicConfig, ["topic": "Bills", "lo": "true"])
            #expect(
                String(decoding: seen.body, as: UTF8.self) == """
                    {"attributes":{},"order":false,"perm":6,"readQueueNums":2,"topicFilterType":\
                    "SINGLE_TAG","topicName":"Bills","topicSysFlag":0,"writeQueueNums":2}
                    """)
            let all = try JSON(parsing: try await client.ask(.getAllTopicConfig).body.rawSpan)
            #expect(all["topicConfigTable"]?["Bills"]?["perm"]?.int32 == 6)
            #expect(try await makeTopic(client, "../../x").responseCode == .systemError)
            #expect(try await makeTopic(client, "TBW102").responseCode == .systemError)
            #expect(try await makeTopic(client, "Bills", queues: -1).responseCode == .systemError)
            let gone = try await client.ask(.deleteTopicInBroker, ["topic": "Bills"])
            #expect(gone.responseCode == .success)
            let missing = try await client.ask(.getTopicConfig, ["topic": "Bills"])
            #expect(missing.responseCode == .topicNotExist)
        }
    }

    @Test("sees how far a group has come, in the words of Java's tools")
    func statistics() async throws {
        try await withBroker {
            $0.name = "broker-a"
        } _: { client in
            #expect(try await makeTopic(client, "Bills", queues: 1).responseCode == .success)
            try await client.send("x", to: "Bills")
            try await client.send("y", to: "Bills")
            _ = try await client.ask(
                .updateConsumerOffset,
                ["consumerGroup": "readers", "topic": "Bills", "queueId": "0", "commitOffset": "1"])
            let topic = try await client.ask(.getTopicStatsInfo, ["topic": "Bills"])
            let text = String(decoding: topic.body, as: UTF8.self)
            let key = #"{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"Bills"}:{"#
            #expect(text.hasPrefix(key + #""lastUpdateTimestamp":"#))
            #expect(text.contains(#""maxOffset":2,"minOffset":0}}"#))
            let group = try await client.ask(.getConsumeStats, ["consumerGroup": "readers"])
            let reached = String(decoding: group.body, as: UTF8.self)
            #expect(reached.hasPrefix(key + #""brokerOffset":2,"consumerOffset":1,"#))
        }
    }

    @Test("sees who is connected")
    func connections() async throws {
        try await withBroker { client in
            let nobody = try await client.ask(
                .getConsumerConnectionList, ["consumerGroup": "readers"])
            #expect(nobody.responseCode == .consumerNotOnline)
            _ = try await client.ask(.heartBeat, json: ConsumerGroupTests.heartbeat("a"))
            let some = try await client.ask(
                .getConsumerConnectionList, ["consumerGroup": "readers"])
            let json = try JSON(parsing: some.body.rawSpan)
            let connection = try #require(json["connectionSet"]?.array?.first)
            #expect(connection["clientId"]?.string == "a")
            #expect(connection["clientAddr"]?.string?.hasPrefix("127.0.0.1:") == true)
            #expect(json["subscriptionTable"]?["Orders"]?["subString"]?.string == "*")
            let producers = try await client.ask(
                .getProducerConnectionList, ["producerGroup": "writers"])
            #expect(producers.responseCode == .success)
            let who = try await client.ask(.queryTopicConsumeByWho, ["topic": "Orders"])
            #expect(String(decoding: who.body, as: UTF8.self) == #"{"groupList":["readers"]}"#)
        }
    }

    @Test("sets where a group goes on, which its next pull is told")
    func reset() async throws {
        try await withBroker { client in
            for number in 0..<5 { try await client.send("\(number)") }
            _ = try await client.pull()
            let fields: HeaderFields = [
                "topic": "Orders", "group": "readers", "timestamp": "0", "isForce": "true",
            ]
            let answer = try await client.ask(.invokeBrokerToResetOffset, fields)
            #expect(answer.responseCode == .success)
            let commit = try await client.ask(
                .updateConsumerOffset,
                [
                    "consumerGroup": "readers", "topic": "Orders", "queueId": "0",
                    "commitOffset": "5",
                ])
            #expect(commit.responseCode == .success)
            let told = try await client.pull(from: 5) {
                $0["sysFlag"] = "5"
                $0["commitOffset"] = "5"
            }
            #expect(told.code == .pullOffsetMoved && told.nextOffset == 0)
            let kept = try await client.ask(
                .queryConsumerOffset,
                ["consumerGroup": "readers", "topic": "Orders", "queueId": "0"])
            #expect(kept.fields["offset"] == "0", "a consumer that dies now does not bring it back")
            #expect(try await client.pull(from: 0).bodies.count == 5)
        }
    }

    @Test("finds messages by key, by unique id, and by place")
    func queries() async throws {
        try await withBroker { client in
            let sent = try await client.send(
                "x",
                properties: [
                    Property(name: "KEYS", value: "k1 k2"),
                    Property(name: "UNIQ_KEY", value: "U"),
                ])
            func query(_ key: String, unique: Bool = false) async throws -> RemotingCommand {
                try await client.ask(
                    .queryMessage,
                    [
                        "topic": "Orders", "key": key, "maxNum": "10", "beginTimestamp": "0",
                        "endTimestamp": "\(Int64.max)", "_UNIQUE_KEY_QUERY": "\(unique)",
                    ])
            }
            #expect(try PulledMessage.all(in: await query("k2").body).map(\.body) == ["x"])
            #expect(try PulledMessage.all(in: await query("U", unique: true).body).count == 1)
            #expect(try await query("none").responseCode == .queryNotFound)
            let id = try #require(sent.fields["msgId"].flatMap { OffsetMessageID($0) })
            let seen = try await client.ask(
                .viewMessageById, ["topic": "Orders", "offset": "\(id.physicalOffset)"])
            #expect(try PulledMessage.all(in: seen.body).map(\.body) == ["x"])
            let wrong = try await client.ask(
                .viewMessageById, ["offset": "\(id.physicalOffset + 1)"])
            #expect(wrong.responseCode == .systemError)
        }
    }

    @Test("may not change settings over the network, and is told what is not known")
    func refused() async throws {
        try await withBroker { client in
            let change = try await client.ask(.updateBrokerConfig, json: "deleteWhen=05")
            #expect(change.responseCode == .noPermission)
            let unknown = try await client.ask(RequestCode(31_415))
            #expect(unknown.responseCode == .requestCodeNotSupported)
            #expect(unknown.remark == " request type 31415 not supported")
            #expect(try await client.ask(.getBrokerRuntimeInfo).responseCode == .success)
            let settings = try await client.ask(.getBrokerConfig)
            #expect(String(decoding: settings.body, as: UTF8.self).contains("brokerName="))
        }
    }

    @Test("makes groups, which are then held to their settings")
    func groups() async throws {
        try await withBroker { client in
            try await client.send("x")
            let made = try await client.ask(
                .updateAndCreateSubscriptiongroup,
                json: #"{"groupName":"closed","consumeEnable":false,"retryQueueNums":1}"#)
            #expect(made.responseCode == .success)
            #expect(try await client.pull(group: "closed").code == .noPermission)
            let seen = try await client.ask(.getSubscriptiongroupConfig, ["group": "closed"])
            #expect(try JSON(parsing: seen.body.rawSpan)["consumeEnable"]?.bool == false)
            _ = try await client.ask(.deleteSubscriptiongroup, ["groupName": "closed"])
            #expect(try await client.pull(group: "closed").bodies == ["x"])
        }
    }
}
