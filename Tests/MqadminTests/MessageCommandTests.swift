// Messages: sent, found, printed.

import ApusFormat
import ApusRemoting
import Testing

@testable import mqadmin

@Suite("mqadmin and messages")
struct MessageCommandTests {
    /// Sends to queue 0 of Orders, and gives the answer.
    private func send(
        _ cluster: Cluster, _ body: String, _ more: String...
    ) async throws -> JSON {
        let run = await mqadmin(
            ["sendMessage", "-t", "Orders", "-p", body, "-b", "broker-a", "-i", "0", "--json"]
                + more, environment: cluster.nameServer)
        #expect(run.code == 0, "\(run.complaints)")
        return try run.json()
    }

    @Test("a message is sent, and found by each of its ids, its key and its offset")
    func finding() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let sent = try await send(cluster, "hello", "-k", "k1 k2", "-c", "paid")
            #expect(sent["sendStatus"] == "SEND_OK" && sent["queueOffset"] == 0)
            let id = try #require(sent["msgId"]?.string)
            let offsetID = try #require(sent["offsetMsgId"]?.string)
            for words in [
                ["queryMsgById", "-t", "Orders", "-i", offsetID],
                ["queryMsgById", "-t", "Orders", "-i", id],
                ["queryMsgByOffset", "-t", "Orders", "-b", "broker-a", "-i", "0", "-o", "0"],
                ["queryMsgByUniqueKey", "-t", "Orders", "-i", id, "-a"],
            ] {
                let run = await mqadmin(words, environment: cluster.nameServer)
                #expect(run.code == 0, "\(words) \(run.complaints)")
                #expect(run.lines.contains("Topic:               Orders"), "\(run.text)")
                #expect(run.lines.contains("Tags:                [paid]"))
                #expect(run.lines.contains("Keys:                [k1 k2]"))
                #expect(run.lines.contains("CommitLog Offset:    0"))
                #expect(run.lines.contains("Message Body:        hello"))
                #expect(run.lines.contains { $0.hasPrefix("Properties:          {CLUSTER=") })
                #expect(run.lines.last == "WARN: No Consumer")
                let json = try await mqadmin(
                    words + ["--json"], environment: cluster.nameServer
                ).json()
                let message = json.array?.first ?? json
                #expect(message["msgId"]?.string == id && message["body"] == "hello")
                #expect(message["offsetMsgId"]?.string == offsetID && message["tracks"] == [])
            }
            let byKey = try await cluster.done("queryMsgByKey", "-t", "Orders", "-k", "k2")
            #expect(byKey.cells == [["#Message", "ID", "#QID", "#Offset"], [id, "0", "0"]])
            let hex = try await cluster.done(
                "queryMsgById", "-t", "Orders", "-i", id, "-f", "hex")
            #expect(hex.lines.contains("Message Body:        68656c6c6f"))
        }
    }

    @Test("what is not there is said, and ends with 2")
    func missing() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            try await cluster.make("Bills")
            let id = try #require(try await send(cluster, "x")["offsetMsgId"]?.string)
            for (words, complaint) in [
                (["queryMsgById", "-t", "Bills", "-i", id], "of the topic Orders, not of Bills"),
                (["queryMsgByKey", "-t", "Orders", "-k", "no"], "no message with the key no"),
                (["queryMsgByUniqueKey", "-t", "Orders", "-i", "no"], "no message with the id no"),
                (
                    ["queryMsgByOffset", "-t", "Orders", "-b", "broker-a", "-i", "0", "-o", "1"],
                    "no message at offset 1"
                ),
                (
                    ["queryMsgByOffset", "-t", "Orders", "-b", "broker-b", "-i", "0", "-o", "0"],
                    "has no queue 0 at the broker broker-b"
                ),
                (
                    ["consumeMessage", "-t", "Orders", "-b", "broker-a", "-i", "0", "-o", "9"],
                    "ends at 1, before 9"
                ), (["queryCq", "-t", "Orders", "-q", "7", "-i", "0"], "7@Orders is not exist!"),
            ] {
                let run = await mqadmin(words, environment: cluster.nameServer)
                #expect(run.code == 2 && run.text == "", "\(words)")
                #expect(run.complaints.contains(complaint), "\(words): \(run.complaints)")
            }
            // One of several is there: it is shown, and the rest complained of.
            let some = await cluster.run("queryMsgById", "-t", "Orders", "-i", "no,\(id)")
            #expect(some.code == 2 && some.text.contains("Message Body:        x"))
        }
    }

    @Test("a message is sent again as it was")
    func resending() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders", queues: 1)
            let id = try #require(try await send(cluster, "again", "-k", "k")["msgId"]?.string)
            let run = try await cluster.done("queryMsgById", "-t", "Orders", "-i", id, "-s", "true")
            #expect(run.lines[0] == "prepare resend msg. originalMsgId=\(id)")
            #expect(run.cells.last == ["broker-a", "0", "SEND_OK", id])
            let both = try await cluster.done("queryMsgByKey", "-t", "Orders", "-k", "k", "--json")
            #expect(try both.json().array?.map { $0["body"] } == ["again", "again"])
        }
    }

    @Test("messages are printed, by time, tag, queue, offset and number")
    func printing() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            for number in 0..<5 {
                _ = try await send(cluster, "m\(number)", "-c", number < 3 ? "paid" : "sent")
            }
            func bodies(_ words: String...) async throws -> [String] {
                let run = await mqadmin(words + ["--json"], environment: cluster.nameServer)
                #expect(run.code == 0 && run.complaints == "", "\(words) \(run.complaints)")
                return try run.lines.map { try JSON(parsing: $0)["body"]?.string ?? "" }
            }
            #expect(try await bodies("printMsg", "-t", "Orders") == ["m0", "m1", "m2", "m3", "m4"])
            #expect(
                try await bodies("printMsg", "-t", "Orders", "-s", "paid") == ["m0", "m1", "m2"])
            #expect(
                try await bodies("printMsg", "-t", "Orders", "-s", " sent || none").count == 2)
            #expect(try await bodies("printMsg", "-t", "Orders", "-b", "now") == [])
            #expect(try await bodies("printMsg", "-t", "Orders", "-e", "1000") == [])
            #expect(try await bodies("consumeMessage", "-t", "Orders", "-c", "2") == ["m0", "m1"])
            #expect(
                try await bodies(
                    "consumeMessage", "-t", "Orders", "-b", "broker-a", "-i", "0", "-o", "3")
                    == ["m3", "m4"])
            #expect(
                try await bodies(
                    "consumeMessage", "-t", "Orders", "-b", "broker-a", "-i", "1") == [])

            let text = try await cluster.done("printMsg", "-t", "Orders", "-d", "false")
            #expect(
                text.lines[0] == """
                    minOffset=0, maxOffset=5, MessageQueue [topic=Orders, brokerName=broker-a, \
                    queueId=0]
                    """)
            #expect(text.lines[1].hasPrefix("MSGID: "))
            #expect(text.lines[1].contains("brokerName=broker-a, queueId=0, storeSize="))
            #expect(text.lines[1].hasSuffix("}] BODY: NOT PRINT BODY"))
            #expect(text.lines[6] == String(repeating: "-", count: 56))
            // Nothing was committed: all of it is there again.
            #expect(try await bodies("consumeMessage", "-t", "Orders").count == 5)
            #expect(try await bodies("printMsg", "-t", "Orders", "-s", "*").count == 5)
        }
    }

    @Test("who has consumed a message is told beside it")
    func tracks() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let id = try #require(try await send(cluster, "x", "-c", "paid")["msgId"]?.string)
            try await cluster.connect(tags: ["sent"])
            try await cluster.known("%RETRY%readers")
            func track() async throws -> String? {
                try await cluster.done("queryMsgById", "-t", "Orders", "-i", id).lines.last
            }
            #expect(
                try await track() == """
                    MessageTrack [consumerGroup=readers, trackType=NOT_CONSUME_YET, \
                    exceptionDesc=null]
                    """)
            try await cluster.commit(1)
            #expect(try await track()?.contains("trackType=CONSUMED_BUT_FILTERED") == true)
        }
    }

    @Test("the entries of a ConsumeQueue are printed as they stand there")
    func consumeQueues() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            for body in ["a", "b"] { _ = try await send(cluster, body, "-c", "paid") }
            let run = try await cluster.done(
                "queryCq", "-t", "Orders", "-q", "0", "-i", "1", "-g", "nobody")
            let divider = String(repeating: "=", count: 38)
            #expect(
                run.lines.prefix(6) == [
                    "Filter data:", "nobody@Orders is not online!", divider, "Queue data:",
                    "max: 2, min: 0", divider,
                ])
            #expect(run.lines[6] == "idx: 1" && run.lines.count == 9)
            // Java's hash of the tag.
            #expect(
                run.lines[7].contains(
                    "tagsCode=3433164, extendDataJson='null', bitMap='null', eval=false, "
                        + "msg='null'}"))
            let json = try await cluster.done(
                "queryCq", "-t", "Orders", "-q", "0", "-i", "0", "-c", "1", "--json"
            ).json()
            #expect(json["queueData"]?.array?.count == 1 && json["maxQueueIndex"] == 2)
            #expect(json["queueData"]?.array?.first?["physicOffset"] == 0)
            let beyond = try await cluster.done("queryCq", "-t", "Orders", "-q", "0", "-i", "2")
            #expect(beyond.lines == ["Queue data:", "max: 2, min: 0", divider])
        }
    }

    @Test("traffic is told topic by topic and group by group")
    func traffic() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            try await cluster.make("Bills")
            _ = try await send(cluster, "x")
            try await cluster.commit(0)
            let run = try await cluster.done("statsAll")
            #expect(
                run.cells[0] == [
                    "#Topic", "#Consumer", "Group", "#Accumulation", "#InTPS", "#OutTPS",
                    "#InMsg24Hour", "#OutMsg24Hour",
                ])
            #expect(run.cells.contains(["Bills", "0", "0.00", "0", "NO_CONSUMER"]))
            let orders = try await cluster.done("statsAll", "-t", "Orders")
            #expect(orders.cells.count == 2)
            #expect(orders.cells[1].prefix(2) == ["Orders", "readers"])
            #expect(orders.cells[1].last == "0")
            let json = try await cluster.done("statsAll", "-t", "Bills", "--json").json()
            #expect(json.array?.count == 1)
            #expect(json.array?.first?.object?["consumerGroup"] == .null)
            #expect(await cluster.run("statsAll", "-t", "Nothing").code == 2)
        }
    }

    @Test("a message that comes compressed is printed as it was, and one that is damaged is not")
    func records() throws {
        let plain = try makeRecord(topic: "T", body: "hello")
        for codec in BodyCodec.allCases {
            let body = String(repeating: "hello", count: 50)
            let record = try makeRecord(topic: "T", body: body, codec: codec)
            let messages = try StoredMessage.all(in: plain + record)
            #expect(messages.map { String(decoding: $0.body, as: UTF8.self) } == ["hello", body])
            #expect(messages.last?.storeSize == record.count && record.count < body.utf8.count)
            // A stream that is none, with its checksum.
            let broken = try makeRecord(topic: "T", body: body, markedAs: codec)
            let error = #expect(throws: BadRecord.self) { try StoredMessage.all(in: broken) }
            #expect(error?.reason.hasPrefix("the body cannot be decompressed") == true)
        }
        // Its magic, its body, and how long it is.
        for place in [4, 90, plain.count - 1] {
            var damaged = plain
            damaged[place] ^= 1
            #expect(throws: BadRecord.self, "byte \(place)") {
                try StoredMessage.all(in: plain + damaged)
            }
        }
        #expect(throws: BadRecord.self) { try StoredMessage.all(in: plain.dropLast()) }
        #expect(throws: BadRecord.self) { try StoredMessage.all(in: [1, 2, 3]) }
        #expect(throws: BadRecord.self) {
            try StoredMessage.all(in: [UInt8](repeating: 0, count: 200))
        }
        #expect(try StoredMessage.all(in: []).isEmpty)
    }
}
