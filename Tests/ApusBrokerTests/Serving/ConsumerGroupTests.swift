// Heartbeats, groups, locks and offsets over loopback.

import ApusFormat
import ApusRemoting
import Foundation
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a consumer group") struct ConsumerGroupTests {
    static func heartbeat(
        _ client: String, group: String = "readers", topic: String = "Orders", tags: String = "*",
        version: Int = 1
    ) -> String {
        """
        {"clientID":"\(client)","producerDataSet":[{"groupName":"writers"}],"consumerDataSet":[\
        {"groupName":"\(group)","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",\
        "consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","subscriptionDataSet":[\
        {"topic":"\(topic)","subString":"\(tags)","subVersion":\(version)}]}]}
        """
    }

    private func consumers(_ client: TestClient) async throws -> RemotingCommand {
        try await client.ask(.getConsumerListByGroup, ["consumerGroup": "readers"])
    }

    @Test("knows who beats its heart, and tells all when someone comes or goes")
    func heartbeats() async throws {
        try await withBroker { client in
            #expect(try await consumers(client).responseCode == .systemError)
            let answer = try await client.ask(.heartBeat, json: Self.heartbeat("a"))
            #expect(answer.responseCode == .success)
            #expect(answer.fields["IS_SUPPORT_HEART_BEAT_V2"] == "true")
            #expect(
                String(decoding: try await consumers(client).body, as: UTF8.self)
                    == #"{"consumerIdList":["a"]}"#)
            #expect(client.broker.topicNames.contains("%RETRY%readers"))
            try await client.untilTold(1)
            let other = TestClient(client.broker)
            _ = try await other.ask(.heartBeat, json: Self.heartbeat("b"))
            try await client.untilTold(2)
            try await other.untilTold(1)
            let told = try #require(client.told.last)
            #expect(told.requestCode == .notifyConsumerIdsChanged && told.isOneWay)
            #expect(told.fields["consumerGroup"] == "readers")
            #expect(
                String(decoding: try await consumers(client).body, as: UTF8.self)
                    == #"{"consumerIdList":["a","b"]}"#)
            await other.close()
            try await client.untilTold(3)
            #expect(
                String(decoding: try await consumers(client).body, as: UTF8.self)
                    == #"{"consumerIdList":["a"]}"#)
            _ = try await client.ask(
                .unregisterClient,
                ["clientID": "a", "consumerGroup": "readers", "producerGroup": ""])
            #expect(try await consumers(client).responseCode == .systemError)
        }
    }

    @Test("pulls by the subscription of its heartbeats, when that is new enough")
    func subscriptions() async throws {
        try await withBroker { client in
            for tag in ["A", "B"] {
                try await client.send(tag, properties: [Property(name: "TAGS", value: tag)])
            }
            func pull(version: Int) async throws -> Pulled {
                try await client.pull {
                    $0["sysFlag"] = "0"
                    $0["subscription"] = nil
                    $0["subVersion"] = "\(version)"
                }
            }
            #expect(try await pull(version: 1).code == .subscriptionNotExist)
            _ = try await client.ask(.heartBeat, json: Self.heartbeat("a", tags: "B", version: 5))
            #expect(try await pull(version: 5).bodies == ["B"])
            #expect(try await pull(version: 6).code == .subscriptionNotLatest)
        }
    }

    @Test("locks queues for one client at a time")
    func locks() async throws {
        try await withBroker { client in
            func body(_ id: String) -> String {
                """
                {"clientId":"\(id)","consumerGroup":"readers",\
                "mqSet":[{"brokerName":"broker-a","queueId":0,"topic":"Orders"}]}
                """
            }
            let locked = try await client.ask(.lockBatchMq, json: body("a"))
            #expect(
                String(decoding: locked.body, as: UTF8.self)
                    == #"{"lockOKMQSet":[{"brokerName":"broker-a","queueId":0,"topic":"Orders"}]}"#)
            let refused = try await client.ask(.lockBatchMq, json: body("b"))
            #expect(String(decoding: refused.body, as: UTF8.self) == #"{"lockOKMQSet":[]}"#)
            _ = try await client.ask(.unlockBatchMq, json: body("a"))
            let now = try await client.ask(.lockBatchMq, json: body("b"))
            #expect(String(decoding: now.body, as: UTF8.self) != #"{"lockOKMQSet":[]}"#)
        }
    }

    @Test("begins at the first message of a small queue, and where it has committed")
    func offsets() async throws {
        try await withBroker { client in
            let place: HeaderFields = [
                "consumerGroup": "readers", "topic": "Orders", "queueId": "0",
            ]
            #expect(
                try await client.ask(.queryConsumerOffset, place).responseCode == .queryNotFound)
            try await client.send("x")
            #expect(try await client.ask(.queryConsumerOffset, place).fields["offset"] == "0")
            var strict = place
            strict["setZeroIfNotFound"] = "false"
            #expect(
                try await client.ask(.queryConsumerOffset, strict).responseCode == .queryNotFound)
            var commit = place
            commit["commitOffset"] = "7"
            #expect(try await client.ask(.updateConsumerOffset, commit).responseCode == .success)
            #expect(try await client.ask(.queryConsumerOffset, place).fields["offset"] == "7")
            commit["topic"] = "../../x"
            #expect(
                try await client.ask(.updateConsumerOffset, commit).responseCode == .topicNotExist)
        }
    }

    @Test("has its offsets, and those of the delay levels, written while the broker runs")
    func writtenOffsets() async throws {
        let directory = try TemporaryDirectory()
        try await withBroker(in: directory) {
            $0.offsets.intervalMilliseconds = 10
            $0.delay.intervalMilliseconds = 10
            $0.delay.levels = [1]
        } _: { client in
            try await client.send("x", properties: [Property(name: "DELAY", value: "1")])
            #expect(try await client.pull(wait: 10_000).bodies == ["x"])
            _ = try await client.ask(
                .updateConsumerOffset,
                [
                    "consumerGroup": "readers", "topic": "Orders", "queueId": "0",
                    "commitOffset": "1",
                ])
            for (file, text) in [("consumerOffset", "Orders@readers"), ("delayOffset", "1:1")] {
                let path = directory.path + "/store/config/\(file).json"
                func isWritten() -> Bool {
                    let found = try? String(contentsOfFile: path, encoding: .utf8)
                    return found?.contains(text) == true
                }
                for _ in 0..<1_000 where !isWritten() {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(isWritten(), "\(file)")
            }
        }
    }

    @Test("commits with its pulls, but nothing that is no offset")
    func pulledCommits() async throws {
        try await withBroker { client in
            for number in 0..<3 { try await client.send("\(number)") }
            func committed(_ offset: String) async throws -> String? {
                _ = try await client.pull {
                    $0["sysFlag"] = "5"
                    $0["commitOffset"] = offset
                }
                return try await client.ask(
                    .queryConsumerOffset,
                    ["consumerGroup": "readers", "topic": "Orders", "queueId": "0"]
                ).fields["offset"]
            }
            #expect(try await committed("2") == "2")
            #expect(try await committed("-7") == "2")
        }
    }

    @Test("that cannot be kept is not taken for one that is there")
    func unkept() async throws {
        let directory = try TemporaryDirectory()
        try await withBroker(in: directory) { client in
            // Where its file belongs is a file itself.
            let place = directory.path + "/store/config"
            try? FileManager.default.removeItem(atPath: place)
            try Data().write(to: URL(filePath: place))
            let answer = try await client.ask(
                .heartBeat,
                json: #"{"clientID":"c","consumerDataSet":[{"groupName":"fresh"}]}"#)
            #expect(answer.responseCode == .systemError)
            try FileManager.default.removeItem(atPath: place)
            let again = try await client.ask(
                .heartBeat,
                json: #"{"clientID":"c","consumerDataSet":[{"groupName":"fresh"}]}"#)
            #expect(again.responseCode == .success)
        }
    }

    @Test("finds the ends of queues, and offsets by time")
    func queueOffsets() async throws {
        try await withBroker { client in
            for number in 0..<3 { try await client.send("\(number)") }
            let place: HeaderFields = ["topic": "Orders", "queueId": "0"]
            #expect(try await client.ask(.getMaxOffset, place).fields["offset"] == "3")
            #expect(try await client.ask(.getMinOffset, place).fields["offset"] == "0")
            let stored = try await client.ask(.getEarliestMsgStoretime, place)
            let time = try #require(stored.fields["timestamp"].flatMap { Int64($0) })
            #expect(time > 1_700_000_000_000)
            var at = place
            at["timestamp"] = "\(time)"
            #expect(try await client.ask(.searchOffsetByTimestamp, at).fields["offset"] == "0")
            at["timestamp"] = "\(time + 3_600_000)"
            #expect(try await client.ask(.searchOffsetByTimestamp, at).fields["offset"] == "3")
            let nowhere: HeaderFields = ["topic": "../../x", "queueId": "0"]
            #expect(try await client.ask(.getMaxOffset, nowhere).fields["offset"] == "0")
        }
    }
}

extension TestClient {
    /// Waits until the broker has told so many things unasked.
    func untilTold(_ count: Int) async throws {
        for _ in 0..<2_000 {
            if told.count >= count { return }
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record("told \(told.count) things, not \(count)")
    }
}
