// Transactions over loopback: what is sent, what its producer says, and what consumers see.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker

extension TestClient {
    /// Sends the half of a transaction as Java's client does.
    fileprivate func sendHalf(
        _ body: String, queue: Int = 1, more: [Property] = []
    ) async throws -> RemotingCommand {
        let properties = [
            Property(name: "TRAN_MSG", value: "true"),
            Property(name: "PGROUP", value: "payers"),
            Property(name: "TAGS", value: "T"),
        ]
        return try await send(body, queue: queue, properties: properties + more) {
            $0["f"] = "4"
            $0["g"] = "\(TimeSource.system.wallMilliseconds)"
        }
    }

    fileprivate func end(
        _ sent: RemotingCommand, _ state: Int, group: String = "payers", offset: String? = nil
    ) async throws -> RemotingCommand {
        let id = try #require(OffsetMessageID(sent.fields["msgId"] ?? ""))
        return try await ask(
            .endTransaction,
            [
                "producerGroup": group, "commitOrRollback": "\(state)",
                "tranStateTableOffset": offset ?? sent.fields["queueOffset"] ?? "",
                "commitLogOffset": "\(id.physicalOffset)", "fromTransactionCheck": "false",
            ])
    }

    fileprivate func registerProducer() async throws {
        let beat = try await ask(
            .heartBeat,
            json: #"{"clientID":"c","producerDataSet":[{"groupName":"payers"}],"#
                + #""consumerDataSet":[]}"#)
        #expect(beat.responseCode == .success)
    }

    /// Waits until the broker has asked as often.
    fileprivate func checks(_ count: Int) async throws -> [RemotingCommand] {
        for _ in 0..<2_000 {
            let asked = told.filter { $0.requestCode == .checkTransactionState }
            if asked.count >= count { return asked }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("the broker does not ask \(count) times")
        return []
    }

    /// All that is in a queue of the broker.
    fileprivate func stored(_ topic: String, queue: Int32 = 0) throws -> [StoredMessage] {
        try broker.store.read(broker.store.queue(topic: topic, id: queue), from: 0).messages()
    }
}

private func withFastChecks(
    in directory: TemporaryDirectory? = nil, limit: Int = 15,
    _ body: (TestClient) async throws -> Void
) async throws {
    try await withBroker(in: directory) {
        $0.transactions.timeoutMilliseconds = 50
        $0.transactions.intervalMilliseconds = 100
        $0.transactions.checkLimit = limit
    } _: {
        try await body($0)
    }
}

@Suite("a transaction") struct TransactionTests {
    @Test("is seen when it is committed, once, as Java's broker stores it")
    func commit() async throws {
        try await withBroker { client in
            let sent = try await client.sendHalf("pay")
            #expect(sent.responseCode == .success)
            #expect(sent.fields["queueId"] == "1" && sent.fields["queueOffset"] == "0")
            #expect(try await client.pull(queue: 1).messages.isEmpty)
            let half = try #require(try client.stored(WellKnownName.halfMessages).first)
            #expect(half.property("REAL_TOPIC") == "Orders" && half.property("REAL_QID") == "1")
            #expect(half.fields.systemFlag.rawValue == 0)
            for _ in 0..<2 {
                #expect(try await client.end(sent, 8).responseCode == .success)
            }
            #expect(try await client.end(sent, 12).responseCode == .success)
            let pulled = try await client.pull(queue: 1, tags: "T")
            #expect(pulled.bodies == ["pay"])
            let message = try #require(pulled.messages.first)
            #expect(message.fields.systemFlag.rawValue == 8)
            #expect(message.fields.preparedTransactionOffset == half.fields.physicalOffset)
            #expect(message.property("TRAN_MSG") == "true")
            let note = try #require(try client.stored(WellKnownName.halfOperations).first)
            #expect(note.body == Array("0,".utf8) && note.tags == "d")
            #expect(try client.stored(WellKnownName.halfOperations).count == 1)
        }
    }

    @Test("counts for its topic when it is committed")
    func count() async throws {
        try await withBroker { client in
            func sum() async throws -> Int64? {
                client.broker.countTraffic()
                let answer = try await client.ask(
                    .viewBrokerStatsData, ["statsName": "TOPIC_PUT_NUMS", "statsKey": "Orders"])
                if answer.responseCode != .success { return nil }
                return try JSON(parsing: answer.body.rawSpan)["statsDay"]?["sum"]?.int64
            }
            let halves = [try await client.sendHalf("pay"), try await client.sendHalf("rest")]
            #expect(try await sum() == nil)
            for half in halves { _ = try await client.end(half, 8) }
            #expect(try await sum() == 2)
        }
    }

    @Test("that is rolled back is never seen")
    func rollback() async throws {
        try await withBroker { client in
            let sent = try await client.sendHalf("pay")
            #expect(try await client.end(sent, 12).responseCode == .success)
            #expect(try await client.end(sent, 8).responseCode == .success)
            #expect(try await client.pull(queue: 1).messages.isEmpty)
        }
    }

    @Test("is not ended by who does not know it")
    func strangers() async throws {
        try await withBroker { client in
            let sent = try await client.sendHalf("pay")
            let plain = try await client.send("plain", queue: 1)
            #expect(try await client.end(sent, 8, group: "thieves").responseCode == .systemError)
            #expect(try await client.end(sent, 8, offset: "7").responseCode == .systemError)
            #expect(try await client.end(plain, 8).responseCode == .systemError)
            #expect(try await client.end(sent, 5).responseCode == .systemError)
            #expect(try await client.end(sent, 0).responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["plain"])
            #expect(try await client.end(sent, 8).responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["plain", "pay"])
        }
    }

    @Test("is refused where the broker is set to take none, and where no half can go")
    func refused() async throws {
        try await withBroker {
            $0.transactions.isRefused = true
        } _: { client in
            let sent = try await client.sendHalf("pay")
            #expect(sent.responseCode == .noPermission)
        }
        try await withBroker { client in
            let lost = try await client.send("no mark") { $0["f"] = "4" }
            #expect(lost.responseCode == .noPermission)
            let retry = try await client.send(
                "x", to: "%RETRY%g", properties: [Property(name: "TRAN_MSG", value: "true")])
            #expect(retry.responseCode == .noPermission)
        }
    }

    @Test("whose producer is silent is asked about, and ends by the answer")
    func check() async throws {
        try await withFastChecks { client in
            try await client.registerProducer()
            let sent = try await client.sendHalf(
                "pay", more: [Property(name: "UNIQ_KEY", value: "K1")])
            let asked = try #require(try await client.checks(1).first)
            #expect(asked.isOneWay && asked.fields["transactionId"] == "K1")
            #expect(asked.fields["tranStateTableOffset"] == "1")
            let record = try #require(try PulledMessage.all(in: asked.body).first)
            #expect(record.topic == "Orders" && record.body == "pay" && record.fields.queueID == 1)
            #expect(record.property("TRANSACTION_CHECK_TIMES") == "1")
            // By its old name and by its new one, it is one transaction.
            #expect(try await client.end(sent, 8).responseCode == .success)
            let answer = try await client.ask(
                .endTransaction,
                [
                    "producerGroup": "payers", "commitOrRollback": "8",
                    "tranStateTableOffset": try asked.fields.string("tranStateTableOffset"),
                    "commitLogOffset": try asked.fields.string("commitLogOffset"),
                    "fromTransactionCheck": "true",
                ])
            #expect(answer.responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["pay"])
        }
    }

    @Test("that nobody ends goes where people look, after so many questions")
    func givenUp() async throws {
        try await withFastChecks(limit: 2) { client in
            try await client.registerProducer()
            _ = try await client.sendHalf("pay")
            _ = try await client.checks(2)
            for _ in 0..<2_000 {
                if try !client.stored(WellKnownName.abandonedHalves).isEmpty { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            let abandoned = try client.stored(WellKnownName.abandonedHalves)
            #expect(abandoned.map(\.body) == [Array("pay".utf8)])
            #expect(try await client.checks(2).count == 2)
            #expect(client.broker.topicNames.contains(WellKnownName.abandonedHalves))
        }
    }

    @Test("is not asked about before the time that its message names")
    func immunity() async throws {
        try await withFastChecks { client in
            try await client.registerProducer()
            let immune = Property(name: "CHECK_IMMUNITY_TIME_IN_SECONDS", value: "3600")
            _ = try await client.sendHalf("later", more: [immune])
            _ = try await client.sendHalf("now")
            let asked = try await client.checks(3)
            let bodies = try asked.flatMap { try PulledMessage.all(in: $0.body).map(\.body) }
            #expect(Set(bodies) == ["now"])
        }
    }

    @Test("survives a restart, open or ended")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        var open: RemotingCommand?
        try await withBroker(in: directory) { client in
            let ended = try await client.sendHalf("ended")
            open = try await client.sendHalf("open")
            let gone = try await client.sendHalf("gone")
            #expect(try await client.end(gone, 12).responseCode == .success)
            #expect(try await client.end(ended, 8).responseCode == .success)
        }
        let sent = try #require(open)
        try await withFastChecks(in: directory) { client in
            try await client.registerProducer()
            let asked = try await client.checks(2)
            let bodies = try asked.flatMap { try PulledMessage.all(in: $0.body).map(\.body) }
            #expect(Set(bodies) == ["open"])
            #expect(try await client.end(sent, 8).responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["ended", "open"])
            let kept = client.broker.offset(ofTransactions: WellKnownName.halfMessages)
            #expect(kept ?? 0 >= 1, "what has ended is not read again")
        }
    }

    @Test("ends under its first name after a restart, though its producer was asked before")
    func restartAfterQuestion() async throws {
        let directory = try TemporaryDirectory()
        var open: RemotingCommand?
        try await withFastChecks(in: directory) { client in
            try await client.registerProducer()
            open = try await client.sendHalf("pay")
            _ = try await client.checks(2)
        }
        let sent = try #require(open)
        try await withBroker(in: directory) { client in
            let answer = try await client.end(sent, 8)
            #expect(answer.responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["pay"])
        }
    }

    @Test("is not mixed up with another one whose message was forwarded with what a broker wrote")
    func forwarded() async throws {
        try await withFastChecks { client in
            try await client.registerProducer()
            let first = try await client.sendHalf("first")
            let second = try await client.sendHalf(
                "second",
                more: [
                    Property(name: "TRAN_PREPARED_QUEUE_OFFSET", value: "0"),
                    Property(name: "TRANSACTION_CHECK_TIMES", value: "14"),
                ])
            let halves = try client.stored(WellKnownName.halfMessages)
            #expect(halves[1].property("TRAN_PREPARED_QUEUE_OFFSET") == nil)
            #expect(halves[1].property("TRANSACTION_CHECK_TIMES") == nil)
            _ = try await client.checks(2)
            #expect(try await client.end(first, 12).responseCode == .success)
            #expect(try await client.end(second, 8).responseCode == .success)
            #expect(try await client.pull(queue: 1).bodies == ["second"])
        }
    }
}
