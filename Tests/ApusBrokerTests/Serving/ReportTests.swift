// What administrators' tools ask beyond topics and groups: reports, entries of queues, counts, and
// clients that are asked through the broker.

import ApusFormat
import ApusRemoting
import ApusStore
import NIOPosix
import Testing

@testable import ApusBroker

@Suite("an administrator's reports") struct ReportTests {
    private func commit(
        _ client: TestClient, _ offset: Int, group: String = "readers", topic: String = "Orders",
        queue: Int = 0
    ) async throws {
        let answer = try await client.ask(
            .updateConsumerOffset,
            [
                "consumerGroup": group, "topic": topic, "queueId": "\(queue)",
                "commitOffset": "\(offset)",
            ])
        #expect(answer.responseCode == .success)
    }

    private func json(_ answer: RemotingCommand) throws -> JSON {
        #expect(answer.responseCode == .success, "\(answer.remark ?? "")")
        return try JSON(parsing: answer.body.rawSpan)
    }

    @Test("the entries of a ConsumeQueue are as RocketMQ's tools expect them")
    func entries() async throws {
        try await withBroker { client in
            for _ in 0..<3 {
                try await client.send(
                    "x", properties: [Property(name: "TAGS", value: "paid")])
            }
            func ask(_ index: Int, _ count: Int) async throws -> RemotingCommand {
                try await client.ask(
                    .queryConsumeQueue,
                    [
                        "topic": "Orders", "queueId": "0", "index": "\(index)", "count": "\(count)",
                    ])
            }
            let some = try json(await ask(1, 10))
            #expect(some["maxQueueIndex"] == 3 && some["minQueueIndex"] == 0)
            let list = try #require(some["queueData"]?.array)
            #expect(list.count == 2)
            let second = try await client.pull(from: 1).messages[0].fields
            #expect(list[0]["physicOffset"]?.int64 == second.physicalOffset)
            // "paid".hashCode() in Java.
            #expect(list[0]["tagsCode"] == 3_433_164 && list[0]["eval"] == false)
            #expect(try json(await ask(0, 2))["queueData"]?.array?.count == 2)
            #expect(try json(await ask(0, -1))["queueData"]?.array?.isEmpty == true)
            let beyond = try await ask(3, 1)
            #expect(beyond.remark == "Index 3 of 0@Orders is not exist!")
            #expect(try json(beyond)["queueData"] == nil)
            let missing = try await client.ask(
                .queryConsumeQueue,
                ["topic": "Nothing", "queueId": "0", "index": "0", "count": "1"])
            #expect(missing.responseCode == .systemError)
        }
    }

    @Test("how long messages have waited, which offsets are lowest, and all groups at once")
    func consumption() async throws {
        try await withBroker {
            $0.name = "broker-a"
        } _: { client in
            for _ in 0..<3 { try await client.send("x") }
            _ = try await client.pull(group: "readers")
            _ = try await client.pull(group: "others")
            try await commit(client, 1)
            try await commit(client, 2, group: "others")
            let spans = try json(
                await client.ask(
                    .queryConsumeTimeSpan, ["topic": "Orders", "group": "readers"])
            )["consumeTimeSpanSet"]?.array
            #expect(spans?.count == 4)
            let first = try #require(spans?.first)
            #expect(first["messageQueue"]?["brokerName"] == "broker-a")
            let times = try await client.pull().messages.map(\.fields.storeTimestamp)
            #expect(first["minTimeStamp"]?.int64 == times[0])
            #expect(first["maxTimeStamp"]?.int64 == times[2])
            #expect(first["consumeTimeStamp"]?.int64 == times[0])
            #expect(try #require(first["delayTime"]?.int64) >= 0)
            #expect(spans?[1]["minTimeStamp"] == -1 && spans?[1]["delayTime"] == 0)

            func lowest(_ compared: String, without groups: String = "") async throws -> JSON? {
                try json(
                    await client.ask(
                        .queryCorrectionOffset,
                        [
                            "topic": "Orders", "compareGroup": compared, "filterGroups": groups,
                        ]))["correctionOffsets"]?["0"]
            }
            #expect(try await lowest("nobody") == 1)
            #expect(try await lowest("nobody", without: "readers,x") == 2)
            #expect(try await lowest("readers", without: "readers") == .integer(.max))

            let all = try json(await client.ask(.getBrokerConsumeStats, ["isOrder": "false"]))
            #expect(all["totalDiff"] == 3 && all["brokerAddr"]?.string == client.address)
            let groups = all["consumeStatsList"]?.array ?? []
            let readers = groups.first { $0["readers"] != nil }?["readers"]?.array
            #expect(readers?.first?["offsetTable"]?.object?.members.count == 4)
            let ordered = try json(await client.ask(.getBrokerConsumeStats, ["isOrder": "true"]))
            #expect(ordered["totalDiff"] == 0)
        }
    }

    @Test("offsets that are as far off as can be are no trouble")
    func farOffsets() async throws {
        try await withBroker { client in
            for queue in 0..<2 {
                try await client.send("x", queue: queue)
                _ = try await client.pull(queue: queue)
                try await commit(client, .max, queue: queue)
            }
            let all = try json(await client.ask(.getBrokerConsumeStats, ["isOrder": "false"]))
            #expect(all["totalDiff"] == .integer(.min))
            client.broker.countTraffic()
            try await commit(client, 0)
            client.broker.countTraffic()
            #expect(
                try await client.ask(.getConsumeStats, ["consumerGroup": "readers"]).responseCode
                    == .success)
        }
    }

    @Test("a group gets another one's offsets, where it consumes what that one does")
    func clones() async throws {
        try await withBroker { client in
            try await client.send("x")
            try await commit(client, 1)
            func clone(_ fields: HeaderFields) async throws -> ResponseCode {
                try await client.ask(.cloneGroupOffset, fields).responseCode
            }
            func reached() async throws -> String? {
                try await client.ask(
                    .queryConsumerOffset,
                    [
                        "consumerGroup": "copy", "topic": "Orders", "queueId": "0",
                        "setZeroIfNotFound": "false",
                    ]
                ).fields["offset"]
            }
            #expect(
                try await clone(["srcGroup": "readers", "destGroup": "no/name"]) == .systemError)
            #expect(try await clone(["srcGroup": "readers"]) == .systemError)
            #expect(try await clone(["srcGroup": "nobody", "destGroup": "copy"]) == .success)
            #expect(try await reached() == nil)
            #expect(try await clone(["srcGroup": "readers", "destGroup": "copy"]) == .success)
            #expect(try await reached() == "1")
        }
    }

    @Test("a group that is there gives what it subscribes to, unless it is said to be away")
    func clonesOnline() async throws {
        try await withBroker { client in
            for topic in ["Orders", "Bills"] {
                try await client.send("x", to: topic)
                try await commit(client, 1, topic: topic)
            }
            _ = try await client.ask(.heartBeat, json: ConsumerGroupTests.heartbeat("a"))
            func clone(
                to group: String, topic: String = "", isOffline: Bool = false
            ) async throws -> [String] {
                let answer = try await client.ask(
                    .cloneGroupOffset,
                    [
                        "srcGroup": "readers", "destGroup": group, "topic": topic,
                        "offline": "\(isOffline)",
                    ])
                #expect(answer.responseCode == .success)
                let topics = try json(await client.ask(.queryTopicsByConsumer, ["group": group]))
                return (topics["topicList"]?.array ?? []).compactMap(\.string)
            }
            #expect(try await clone(to: "one") == ["Orders"])
            #expect(try await clone(to: "two", topic: "Bills") == [])
            #expect(try await clone(to: "three", topic: "Bills", isOffline: true) == ["Bills"])
            #expect(try await clone(to: "four", isOffline: true) == ["Bills", "Orders"])
            #expect(try await clone(to: "five", topic: "Nothing", isOffline: true) == [])
        }
    }

    @Test("a client is asked through the broker, and its answer comes back")
    func clients() async throws {
        try await withBroker {
            $0.name = "broker-a"
        } _: { client in
            let topic = try await client.ask(
                .updateAndCreateTopic,
                [
                    "topic": "Orders", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
                    "topicSysFlag": "1",
                ])
            let group = try await client.ask(
                .updateAndCreateSubscriptiongroup,
                json: #"{"groupName":"readers","groupSysFlag":2}"#)
            #expect(topic.responseCode == .success && group.responseCode == .success)
            let sent = try await client.send("x")
            let id = try #require(sent.fields["msgId"])
            let consumer = RemotingClient(
                requests: Answering(), logger: .silent, group: MultiThreadedEventLoopGroup.singleton
            )
            let heartbeat = RemotingCommand.request(
                .heartBeat, body: Array(ConsumerGroupTests.heartbeat("a").utf8))
            _ = try await consumer.invoke(heartbeat, on: client.address)
            let fields: HeaderFields = ["consumerGroup": "readers", "clientId": "a"]
            let running = try await client.ask(.getConsumerRunningInfo, fields)
            #expect(running.responseCode == .success && running.remark == "readers/a")
            let direct = try await client.ask(
                .consumeMessageDirectly,
                ["consumerGroup": "readers", "clientId": "a", "msgId": id, "topic": "Orders"])
            #expect(try PulledMessage.all(in: direct.body).map(\.body) == ["x"])
            #expect(direct.fields["brokerName"] == "broker-a")
            #expect(direct.fields["topicSysFlag"] == "1" && direct.fields["groupSysFlag"] == "2")
            let nobody = try await client.ask(
                .getConsumerRunningInfo, ["consumerGroup": "readers", "clientId": "b"])
            #expect(nobody.responseCode == .systemError)
            #expect(nobody.remark == "The Consumer <readers> <b> not online")
            let noID = try await client.ask(
                .consumeMessageDirectly,
                ["consumerGroup": "readers", "clientId": "a", "msgId": "x"])
            #expect(noID.responseCode == .systemError)
            let producers = try json(await client.ask(.getAllProducerInfo))["data"]
            #expect(producers?["writers"]?.array?.first?["clientId"] == "a")
            await consumer.close()
        }
    }

    @Test("a client that goes away when it is asked is told of")
    func silentClient() async throws {
        try await withBroker { client in
            let consumer = RemotingClient(
                requests: Closing(), logger: .silent, group: MultiThreadedEventLoopGroup.singleton)
            let heartbeat = RemotingCommand.request(
                .heartBeat, body: Array(ConsumerGroupTests.heartbeat("a").utf8))
            _ = try await consumer.invoke(heartbeat, on: client.address)
            let answer = try await client.ask(
                .getConsumerRunningInfo, ["consumerGroup": "readers", "clientId": "a"])
            #expect(answer.responseCode == .consumeMsgTimeout)
            #expect(answer.remark?.hasPrefix("consumer <readers> <a>: ") == true)
            await consumer.close()
        }
    }

    @Test("what is refused does not count", arguments: [FlushSettings.Mode.async, .sync])
    func refused(_ mode: FlushSettings.Mode) async throws {
        try await withBroker {
            $0.store.flush.mode = mode
            $0.store.limits.bodyByteCount = 10
        } _: { client in
            try await client.send("x")
            let long = try await client.send(String(repeating: "x", count: 11))
            #expect(long.responseCode != .success)
            client.broker.countTraffic()
            let counted = try json(
                await client.ask(
                    .viewBrokerStatsData, ["statsName": "TOPIC_PUT_NUMS", "statsKey": "Orders"]))
            #expect(counted["statsDay"]?["sum"] == 1)
            let information = try json(await client.ask(.getBrokerRuntimeInfo))
            #expect(information["table"]?["msgPutTotalTodayNow"] == "1")
        }
    }

    @Test("what came and went is told by RocketMQ's names")
    func counts() async throws {
        try await withBroker { client in
            func count(_ name: String, _ key: String) async throws -> Int64? {
                let answer = try await client.ask(
                    .viewBrokerStatsData, ["statsName": name, "statsKey": key])
                guard answer.responseCode == .success else { return nil }
                return try json(answer)["statsDay"]?["sum"]?.int64
            }
            #expect(try await count("TOPIC_PUT_NUMS", "Orders") == nil)
            for _ in 0..<3 { try await client.send("x") }
            try await commit(client, 0)
            client.broker.countTraffic()
            try await commit(client, 2)
            client.broker.countTraffic()
            #expect(try await count("TOPIC_PUT_NUMS", "Orders") == 3)
            #expect(try await count("BROKER_PUT_NUMS", "DefaultCluster") == 3)
            #expect(try await count("GROUP_GET_NUMS", "Orders@readers") == 2)
            for (name, key) in [
                ("TOPIC_PUT_NUMS", "Bills"), ("GROUP_GET_NUMS", "Orders"), ("OTHER", "Orders"),
                ("BROKER_PUT_NUMS", "other"),
            ] { #expect(try await count(name, key) == nil) }
        }
    }
}

/// Answers 307 with the group and client that were named, 309 with the message that came along.
private struct Answering: RequestProcessor {
    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        let names = [command.fields["consumerGroup"], command.fields["clientId"]]
        connection.respond(
            to: request.replyKey,
            Response(
                .success, remark: names.compactMap { $0 }.joined(separator: "/"),
                fields: command.fields, body: command.body))
    }
}

/// Goes away when it is asked what it does.
private struct Closing: RequestProcessor {
    func process(_ request: borrowing Request, on connection: Connection) {
        if request.code == .getConsumerRunningInfo { connection.close(reason: "a test") }
    }
}
