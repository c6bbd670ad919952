// Sends and pulls over loopback.

import ApusFormat
import ApusRemoting
import ApusStore
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a message") struct SendPullTests {
    @Test("that is sent makes its topic, and is pulled as it was stored")
    func roundTrip() async throws {
        try await withBroker { client in
            let sent = try await client.send(
                "hello",
                properties: [
                    Property(name: "TAGS", value: "A"),
                    Property(name: "UNIQ_KEY", value: "K1"),
                ])
            #expect(sent.responseCode == .success)
            #expect(sent.fields["queueOffset"] == "0" && sent.fields["queueId"] == "0")
            #expect(sent.fields["transactionId"] == "K1")
            #expect(
                sent.fields["MSG_REGION"] == "DefaultRegion" && sent.fields["TRACE_ON"] == "true")
            let pulled = try await client.pull()
            #expect(pulled.code == .success && pulled.status == "FOUND" && pulled.nextOffset == 1)
            let message = try #require(pulled.messages.first)
            #expect(message.body == "hello" && message.topic == "Orders")
            #expect(
                message.properties == [
                    Property(name: "TAGS", value: "A"),
                    Property(name: "UNIQ_KEY", value: "K1"),
                    Property(name: "MSG_REGION", value: "DefaultRegion"),
                    Property(name: "TRACE_ON", value: "true"),
                    Property(name: "CLUSTER", value: "DefaultCluster"),
                ])
            #expect(message.fields.bornTimestamp == 1_700_000_000_000)
            let id = OffsetMessageID(
                storeHost: client.broker.address, physicalOffset: message.fields.physicalOffset)
            #expect(sent.fields["msgId"] == id.text)
        }
    }

    @Test("without a unique id is given one")
    func uniqueID() async throws {
        try await withBroker { client in
            let sent = try await client.send("x")
            let id = try #require(sent.fields["transactionId"])
            #expect(UniqueID(id) != nil)
            #expect(try await client.pull().messages.first?.property("UNIQ_KEY") == id)
        }
    }

    @Test("of the old client (code 10), whose `batch` is \"1\", is one message")
    func oldClient() async throws {
        try await withBroker { client in
            let sent = try await client.ask(
                .sendMessage,
                [
                    "producerGroup": "p", "topic": "Old", "defaultTopic": "TBW102",
                    "defaultTopicQueueNums": "4", "queueId": "1", "sysFlag": "0",
                    "bornTimestamp": "1", "flag": "0", "properties": "TAGS\u{1}A\u{2}",
                    "reconsumeTimes": "0", "unitMode": "0", "batch": "1",
                ], body: Array("old".utf8))
            #expect(sent.responseCode == .success)
            #expect(try await client.pull("Old", queue: 1).bodies == ["old"])
        }
    }

    @Test(
        "of a batch comes with the others, in order, and has an id of its own",
        // The store takes a checksum away that a client has no business to send.
        arguments: [[], [Property(name: "__CRC32#", value: "0123456789")]])
    func batch(second: [Property]) async throws {
        try await withBroker { client in
            try await client.send("first")
            var frames: [UInt8] = []
            for text in ["a", "bb", "c"] {
                let properties = Properties.encode(text == "bb" ? second : [])
                ClientBatch.encode(
                    flag: 0, body: Array(text.utf8).rawSpan, properties: properties.rawSpan,
                    into: &frames)
            }
            let sent = try await client.ask(
                .sendBatchMessage,
                [
                    "a": "p", "b": "Orders", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1",
                    "h": "0", "i": "", "j": "0", "k": "false", "m": "true",
                ], body: frames)
            #expect(sent.responseCode == .success && sent.fields["queueOffset"] == "1")
            let pulled = try await client.pull()
            #expect(pulled.bodies == ["first", "a", "bb", "c"])
            let ids = pulled.messages.dropFirst().map {
                OffsetMessageID(
                    storeHost: client.broker.address, physicalOffset: $0.fields.physicalOffset
                ).text
            }
            #expect(sent.fields["msgId"] == ids.joined(separator: ","))
        }
    }

    @Test("is refused where it cannot go, and nothing is made")
    func refused() async throws {
        try await withBroker { client in
            for name in ["../../x", "a/b", "", "SCHEDULE_TOPIC_XXXX", "TRANS_CHECK_MAX_TIME_TOPIC"]
            {
                let sent = try await client.send("x", to: name)
                #expect(sent.responseCode != .success, "\(name)")
            }
            #expect(try await client.send("x", queue: 99).responseCode == .systemError)
            let unknown = try await client.send("x", to: "Lone") { $0["c"] = "Nothing" }
            #expect(unknown.responseCode == .topicNotExist)
            let malformed = try await client.send("x") { $0["e"] = "none" }
            #expect(malformed.responseCode == .systemError)
            let prepared = try await client.send("x") { $0["f"] = "4" }
            #expect(prepared.responseCode == .noPermission)
            let names = client.broker.topicNames
            #expect(!names.contains("../../x") && !names.contains("Lone"))
        }
    }

    @Test("that asks for a transaction waits for it; one for a time of its own is refused")
    func wishes() async throws {
        try await withBroker { client in
            func send(_ names: [(String, String)], times: Int = 0) async throws -> ResponseCode {
                let properties = names.map { Property(name: $0.0, value: $0.1) }
                let sent = try await client.send("x", properties: properties) {
                    $0["j"] = "\(times)"
                }
                return sent.responseCode
            }
            let halves = [
                [("TRAN_MSG", "TRUE"), ("PGROUP", "p")], [("TRAN_MSG", "true"), ("DELAY", "1")],
            ]
            for half in halves {
                let code = try await send(half)
                #expect(code == .success)
            }
            for name in ["TIMER_DELIVER_MS", "TIMER_DELAY_SEC", "TIMER_DELAY_MS"] {
                let code = try await send([(name, "5")])
                #expect(code == .systemError, "\(name)")
            }
            #expect(try await client.pull().messages.isEmpty)
            // Java's broker takes these for plain and delayed ones too.
            let taken = [
                [("TRAN_MSG", "false"), ("TAGS", "T")],
                [("TIMER_OUT_MS", "5"), ("TIMER_DELIVER_MS", "5")],
                [("TRAN_MSG", "true"), ("DELAY", "18")],
                [("TIMER_DELAY_SEC", "5"), ("DELAY", "18")],
            ]
            for properties in taken {
                let code = try await send(properties, times: 1)
                #expect(code == .success)
            }
            #expect(try await client.pull().messages.count == 2)
        }
    }

    @Test("that is too large, or whose properties are, is refused for good")
    func tooLarge() async throws {
        try await withBroker { client in
            try await client.send("first")
            let long = String(repeating: "x", count: 33_000)
            let properties = try await client.send(
                "x", properties: [Property(name: "p", value: long)])
            #expect(properties.responseCode == .messageIllegal)
            let body = try await client.send(String(repeating: "x", count: 5 << 20))
            #expect(body.responseCode == .messageIllegal)
        }
    }

    @Test("is pulled by those who want its tags; others go on behind it")
    func tags() async throws {
        try await withBroker { client in
            for tag in ["A", "B", "A"] {
                try await client.send(tag, properties: [Property(name: "TAGS", value: tag)])
            }
            #expect(try await client.pull(tags: "A").bodies == ["A", "A"])
            #expect(try await client.pull(tags: "B || C").bodies == ["B"])
            let none = try await client.pull(tags: "C", wait: 5_000)
            #expect(none.code == .pullRetryImmediately && none.status == "NO_MATCHED_MESSAGE")
            #expect(none.nextOffset == 3)
        }
    }

    @Test("is looked for only so far; a pull goes on from there")
    func filterLimit() async throws {
        try await withBroker {
            $0.pulling.filteredByteCount = 40
        } _: { client in
            for tag in ["A", "A", "A", "B"] {
                try await client.send(tag, properties: [Property(name: "TAGS", value: tag)])
            }
            let none = try await client.pull(tags: "B", wait: 5_000) { $0["maxMsgNums"] = "1" }
            #expect(none.code == .pullRetryImmediately && none.nextOffset == 2)
            let found = try await client.pull(from: 2, tags: "B") { $0["maxMsgNums"] = "1" }
            #expect(found.bodies == ["B"])
            let more = try await client.pull(tags: "B") { $0["maxMsgNums"] = "4" }
            #expect(more.bodies == ["B"], "as far as the messages that it asks for")
        }
    }

    @Test("is where the queue says: pulls before and behind it are put right")
    func offsets() async throws {
        try await withBroker { client in
            try await client.send("x")
            let end = try await client.pull(from: 1)
            #expect(end.code == .pullNotFound && end.status == "OFFSET_OVERFLOW_ONE")
            let beyond = try await client.pull(from: 7)
            #expect(beyond.code == .pullOffsetMoved && beyond.nextOffset == 1)
            let empty = try await client.pull(queue: 1)
            #expect(empty.code == .pullNotFound)
            let emptyBeyond = try await client.pull(queue: 1, from: 3)
            #expect(emptyBeyond.code == .pullOffsetMoved && emptyBeyond.nextOffset == 0)
            let negative = try await client.pull(from: -1)
            #expect(negative.code == .pullOffsetMoved && negative.nextOffset == 0)
        }
    }

    @Test("is answered when it is on the device, with SYNC_FLUSH, and pulled then")
    func sync() async throws {
        try await withBroker {
            $0.store.flush.mode = .sync
        } _: { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    group.addTask {
                        let sent = try await client.send("\(number)")
                        #expect(sent.responseCode == .success)
                    }
                }
                try await group.waitForAll()
            }
            #expect(Set(try await client.pull().bodies) == Set((0..<32).map(String.init)))
        }
    }

    @Test("can be pulled again after the broker was stopped and started")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        try await withBroker(in: directory) { client in
            try await client.send("before")
            _ = try await client.ask(
                .updateConsumerOffset,
                [
                    "consumerGroup": "readers", "topic": "Orders", "queueId": "0",
                    "commitOffset": "1",
                ])
        }
        try await withBroker(in: directory) { client in
            try await client.send("after")
            #expect(try await client.pull().bodies == ["before", "after"])
            let offset = try await client.ask(
                .queryConsumerOffset,
                ["consumerGroup": "readers", "topic": "Orders", "queueId": "0"])
            #expect(offset.fields["offset"] == "1")
        }
    }

    @Test("sends that wait for their topic to be made are not overtaken by those behind them")
    func order() async throws {
        try await withBroker { client in
            for round in 0..<10 {
                let commands = (0..<400).map { number in
                    let fields: HeaderFields = [
                        "a": "producers", "b": "New\(round)", "c": "TBW102", "d": "4", "e": "0",
                        "f": "0", "g": "1700000000000", "h": "0", "i": "", "j": "0",
                        "k": "false", "m": "false",
                    ]
                    return RemotingCommand.request(
                        .sendMessageV2, fields: fields, body: Array("\(number)".utf8))
                }
                let codes = try await client.askAll(commands)
                #expect(codes.allSatisfy { $0 == .success })
                var bodies: [String] = []
                while bodies.count < 400 {
                    let pulled = try await client.pull("New\(round)", from: Int64(bodies.count))
                    guard !pulled.bodies.isEmpty else { break }
                    bodies += pulled.bodies
                }
                #expect(bodies == (0..<400).map { "\($0)" })
            }
        }
    }
}
