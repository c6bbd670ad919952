// Delayed messages, those that are sent back, and dead letters, over loopback.

import ApusFormat
import ApusRemoting
import Testing

@testable import ApusBroker

@Suite("a message that is to come later") struct RetryTests {
    private func withFastLevels(_ body: (TestClient) async throws -> Void) async throws {
        try await withBroker {
            $0.delay.levels = [100, 200, 150, 300]
        } _: {
            try await body($0)
        }
    }

    @Test("is delivered when its delay is over, to where it belongs")
    func delayed() async throws {
        try await withFastLevels { client in
            try await client.send("now")
            let clock = ContinuousClock()
            let start = clock.now
            let sent = try await client.send(
                "later",
                properties: [
                    Property(name: "DELAY", value: "2"),
                    Property(name: "TAGS", value: "T"),
                ])
            #expect(sent.responseCode == .success)
            #expect(try await client.pull(from: 1).messages.isEmpty)
            let pulled = try await client.pull(from: 1, tags: "T", wait: 10_000)
            #expect(pulled.bodies == ["later"])
            #expect(clock.now - start >= .milliseconds(190))
            #expect(pulled.messages.first?.property("REAL_TOPIC") == "Orders")
        }
    }

    private func sendBack(
        _ client: TestClient, _ message: PulledMessage, level: Int = 0, maximum: Int = 16
    ) async throws -> RemotingCommand {
        try await client.ask(
            .consumerSendMsgBack,
            [
                "offset": "\(message.fields.physicalOffset)", "group": "readers",
                "delayLevel": "\(level)", "originMsgId": "x", "originTopic": "Orders",
                "unitMode": "false", "maxReconsumeTimes": "\(maximum)",
            ])
    }

    @Test("comes again in its group's retry topic, once more each time, and dies in the end")
    func sentBack() async throws {
        try await withFastLevels { client in
            try await client.send(
                "hard", properties: [Property(name: "UNIQ_KEY", value: "K")])
            var message = try #require(try await client.pull().messages.first)
            let origin = OffsetMessageID(
                storeHost: client.broker.address, physicalOffset: message.fields.physicalOffset
            ).text
            for times in 1...2 {
                let answer = try await sendBack(client, message, maximum: 2)
                #expect(answer.responseCode == .success)
                let again = try await client.pull(
                    "%RETRY%readers", from: Int64(times - 1), wait: 10_000)
                message = try #require(again.messages.first)
                #expect(message.body == "hard" && message.fields.reconsumeTimes == Int32(times))
                #expect(message.property("RETRY_TOPIC") == "Orders")
                #expect(message.property("ORIGIN_MESSAGE_ID") == origin)
                #expect(message.property("UNIQ_KEY") == "K")
            }
            #expect(try await sendBack(client, message, maximum: 2).responseCode == .success)
            let dead = try #require(try await client.pull("%DLQ%readers").messages.first)
            #expect(dead.body == "hard" && dead.fields.reconsumeTimes == 3)
            #expect(dead.property("DLQ_ORIGIN_TOPIC") == "%RETRY%readers")
        }
    }

    @Test("dies at once when its consumer says so")
    func dead() async throws {
        try await withFastLevels { client in
            try await client.send("hopeless")
            let message = try #require(try await client.pull().messages.first)
            #expect(try await sendBack(client, message, level: -1).responseCode == .success)
            #expect(try await client.pull("%DLQ%readers").bodies == ["hopeless"])
        }
    }

    @Test("comes again though it says that it came as often as can be said")
    func mostDeliveries() async throws {
        try await withFastLevels { client in
            for times in [Int32.max - 1, .max] {
                try await client.send("often") { $0["j"] = "\(times)" }
            }
            let messages = try await client.pull().messages
            for message in messages {
                let answer = try await sendBack(client, message, maximum: Int(Int32.max))
                #expect(answer.responseCode == .success)
            }
            let again = try await client.pull("%RETRY%readers", wait: 10_000)
            #expect(again.messages.map(\.fields.reconsumeTimes) == [.max])
            let dead = try await client.pull("%DLQ%readers")
            #expect(dead.messages.map(\.fields.reconsumeTimes) == [.max])
        }
    }

    @Test("is not found where no message begins")
    func nowhere() async throws {
        try await withFastLevels { client in
            try await client.send("x")
            for offset in [-1, 1, 1 << 40] {
                let answer = try await client.ask(
                    .consumerSendMsgBack,
                    ["offset": "\(offset)", "group": "readers", "delayLevel": "0"])
                #expect(answer.responseCode == .systemError)
            }
            let answer = try await client.ask(
                .consumerSendMsgBack, ["offset": "0", "group": "../../x", "delayLevel": "0"])
            #expect(answer.responseCode == .subscriptionGroupNotExist)
        }
    }

    @Test("that a client sends to the retry topic itself waits, or dies, as well")
    func sentAnew() async throws {
        try await withFastLevels { client in
            func send(_ times: Int) async throws -> RemotingCommand {
                try await client.send(
                    "anew", to: "%RETRY%readers",
                    properties: [Property(name: "DELAY", value: "1")]
                ) {
                    $0["j"] = "\(times)"
                    $0["l"] = "2"
                }
            }
            // The group is made when it is first heard of.
            _ = try await client.ask(.heartBeat, json: ConsumerGroupTests.heartbeat("a"))
            #expect(try await send(2).responseCode == .success)
            let again = try await client.pull("%RETRY%readers", wait: 10_000)
            #expect(again.bodies == ["anew"])
            #expect(try await send(3).responseCode == .success)
            #expect(try await client.pull("%DLQ%readers").bodies == ["anew"])
        }
    }
}
