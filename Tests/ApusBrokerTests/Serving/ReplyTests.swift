// Requests that are messages, and their replies, over loopback.

import ApusFormat
import ApusRemoting
import ApusSystem
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker

/// A producer that waits for replies.
private final class Requester: Sendable {
    private let client: RemotingClient
    private let mailbox: Mailbox

    /// `code` is what it answers to a reply; nil: nothing.
    init(_ broker: TestClient, id: String = "asker", answering code: ResponseCode? = .success)
        async throws
    {
        mailbox = Mailbox(code)
        client = RemotingClient(
            requests: mailbox, logger: .silent, group: MultiThreadedEventLoopGroup.singleton)
        let beat = try await client.invoke(
            .request(
                .heartBeat,
                body: Array(
                    (#"{"clientID":"\#(id)","producerDataSet":[{"groupName":"askers"}],"#
                        + #""consumerDataSet":[]}"#).utf8)), on: broker.address)
        #expect(beat.responseCode == .success)
    }

    var replies: [RemotingCommand] { mailbox.replies.withLock { $0 } }
    func close() async { await client.close() }
}

private final class Mailbox: RequestProcessor {
    let code: ResponseCode?
    let replies = Mutex<[RemotingCommand]>([])

    init(_ code: ResponseCode?) { self.code = code }

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        replies.withLock { $0.append(command) }
        if let code { connection.respond(to: request.replyKey, Response(code, remark: "no")) }
    }
}

extension TestClient {
    /// Replies as Java's client does: to the topic of the cluster that the request came from.
    fileprivate func reply(
        _ body: String, to id: String? = "asker", long: Bool = false,
        changing: (inout HeaderFields) -> Void = { _ in }
    ) async throws -> RemotingCommand {
        var properties = [
            Property(name: "CORRELATION_ID", value: "7"),
            Property(name: "MSG_TYPE", value: "reply"),
        ]
        if let id { properties.append(Property(name: "REPLY_TO_CLIENT", value: id)) }
        let text = String(decoding: Properties.encode(properties), as: UTF8.self)
        var fields: HeaderFields =
            long
            ? [
                "producerGroup": "CLIENT_INNER_PRODUCER", "topic": "DefaultCluster_REPLY_TOPIC",
                "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "0",
                "sysFlag": "1", "bornTimestamp": "1700000000000", "flag": "5",
                "properties": text, "reconsumeTimes": "0", "unitMode": "true",
            ]
            : [
                "a": "CLIENT_INNER_PRODUCER", "b": "DefaultCluster_REPLY_TOPIC", "c": "TBW102",
                "d": "4", "e": "0", "f": "1", "g": "1700000000000", "h": "5", "i": text,
                "j": "0", "k": "true", "m": "false",
            ]
        changing(&fields)
        return try await ask(
            long ? .sendReplyMessage : .sendReplyMessageV2, fields, body: Array(body.utf8))
    }

    fileprivate func storedReplies() async throws -> [PulledMessage] {
        try await pull("DefaultCluster_REPLY_TOPIC").messages
    }
}

@Suite("a reply") struct ReplyTests {
    @Test("reaches the producer that waits for it, and is stored", arguments: [false, true])
    func roundTrip(long: Bool) async throws {
        try await withBroker { client in
            let requester = try await Requester(client)
            try await client.send(
                "question",
                properties: [
                    Property(name: "CORRELATION_ID", value: "7"),
                    Property(name: "REPLY_TO_CLIENT", value: "asker"),
                    Property(name: "TTL", value: "3000"),
                ])
            let question = try #require(try await client.pull().messages.first)
            let cluster = try #require(question.property("CLUSTER"))
            let before = TimeSource.system.wallMilliseconds
            let answer = try await client.reply(
                "answer", to: question.property("REPLY_TO_CLIENT"), long: long
            ) { $0[long ? "topic" : "b"] = "\(cluster)_REPLY_TOPIC" }
            #expect(answer.responseCode == .success && answer.remark == nil)
            #expect(answer.fields["queueId"] == "0" && answer.fields["queueOffset"] == "0")
            #expect(answer.fields["MSG_REGION"] == "DefaultRegion")

            let pushed = try #require(requester.replies.first)
            #expect(requester.replies.count == 1 && !pushed.isOneWay)
            #expect(pushed.requestCode == .pushReplyMessageToClient)
            #expect(pushed.body == Array("answer".utf8))
            for (name, value) in [
                ("producerGroup", "CLIENT_INNER_PRODUCER"), ("topic", "DefaultCluster_REPLY_TOPIC"),
                ("defaultTopic", "TBW102"), ("defaultTopicQueueNums", "4"), ("queueId", "0"),
                ("sysFlag", "1"), ("bornTimestamp", "1700000000000"), ("flag", "5"),
                ("reconsumeTimes", "0"), ("unitMode", "true"),
                ("storeHost", client.broker.address.description),
            ] { #expect(pushed.fields[name] == value, "\(name)") }
            #expect(pushed.fields["bornHost"]?.hasPrefix("127.0.0.1:") == true)
            #expect(try pushed.fields.int64("storeTimestamp") >= before)
            let properties = Properties.decode(
                Array((pushed.fields["properties"] ?? "").utf8).rawSpan)
            func property(_ name: String) -> String? {
                properties.first { $0.name == name }?.value
            }
            #expect(property("CORRELATION_ID") == "7" && property("MSG_TYPE") == "reply")
            #expect(Int64(property("PUSH_REPLY_TIME") ?? "") ?? 0 >= before)

            let stored = try #require(try await client.storedReplies().first)
            #expect(stored.body == "answer" && stored.property("CORRELATION_ID") == "7")
            #expect(stored.property("PUSH_REPLY_TIME") == nil, "as with RocketMQ")
            let id = OffsetMessageID(
                storeHost: client.broker.address, physicalOffset: stored.fields.physicalOffset
            ).text
            #expect(answer.fields["msgId"] == id)
            await requester.close()
        }
    }

    @Test("is not stored where the broker is told so")
    func notStored() async throws {
        try await withBroker {
            $0.sending.storesReplies = false
        } _: { client in
            let requester = try await Requester(client)
            let answer = try await client.reply("answer")
            #expect(answer.responseCode == .success)
            #expect(answer.fields["msgId"] == "0" && answer.fields["queueOffset"] == "0")
            #expect(requester.replies.count == 1)
            #expect(try await client.storedReplies().isEmpty)
            await requester.close()
        }
    }

    @Test("to who is gone is refused, and stored all the same")
    func gone() async throws {
        try await withBroker { client in
            let nobody = try await client.reply("1", to: "nobody")
            #expect(nobody.responseCode == .systemError)
            #expect(
                nobody.remark == "push reply message fail, channel of <nobody> not found.")
            let requester = try await Requester(client)
            #expect(try await client.reply("2").responseCode == .success)
            await requester.close()
            // The broker hears of the end a moment later.
            var late = try await client.reply("3")
            for _ in 0..<200 where late.remark?.hasSuffix("not found.") != true {
                try await Task.sleep(for: .milliseconds(5))
                late = try await client.reply("3")
            }
            #expect(late.responseCode == .systemError)
            #expect(late.remark == "push reply message fail, channel of <asker> not found.")
            let unnamed = try await client.reply("4", to: nil)
            #expect(unnamed.responseCode == .systemError)
            #expect(unnamed.remark == "reply message properties[REPLY_TO_CLIENT] is null")
            let bodies = try await client.storedReplies().map(\.body)
            #expect(bodies.prefix(3) == ["1", "2", "3"] && bodies.last == "4")
        }
    }

    @Test("that is not taken is answered so: at once, or when nothing was said for three seconds")
    func notTaken() async throws {
        try await withBroker {
            $0.sending.waitingReplyLimit = 1
        } _: { client in
            let refusing = try await Requester(client, id: "refusing", answering: .systemError)
            let refused = try await client.reply("1", to: "refusing")
            #expect(refused.responseCode == .systemError)
            #expect(refused.remark == "push reply message to refusingfail.")
            let silent = try await Requester(client, id: "silent", answering: nil)
            let clock = ContinuousClock()
            let start = clock.now
            async let waiting = client.reply("2", to: "silent")
            for _ in 0..<2_000 where silent.replies.isEmpty {
                try await Task.sleep(for: .milliseconds(1))
            }
            let beyond = try await client.reply("3", to: "refusing")
            #expect(beyond.responseCode == .systemBusy, "one waits, and no more may")
            let answer = try await waiting
            #expect(answer.responseCode == .systemError)
            #expect(answer.remark == "push reply message to silentfail.")
            #expect(clock.now - start >= .seconds(3) && clock.now - start < .seconds(9))
            #expect(
                try await client.reply("4", to: "refusing").responseCode == .systemError,
                "nothing waits any more")
            #expect(try await client.storedReplies().map(\.body) == ["1", "2", "4"])
            await refusing.close()
            await silent.close()
        }
    }

    @Test("that is malformed goes nowhere")
    func malformed() async throws {
        try await withBroker { client in
            let requester = try await Requester(client)
            for name in ["a", "b", "c", "d", "e", "f", "g"] {
                let answer = try await client.reply("x") { $0[name] = nil }
                #expect(answer.responseCode == .systemError, "without \(name)")
                #expect(answer.remark?.contains(name) == true)
            }
            for name in ["d", "e", "f", "g", "h"] {
                let answer = try await client.reply("x") { $0[name] = "?" }
                #expect(answer.responseCode == .systemError, "\(name) is no number")
            }
            #expect(try await client.reply("x") { $0["e"] = "1" }.responseCode == .systemError)
            #expect(try await client.reply("x") { $0["f"] = "4" }.responseCode == .noPermission)
            let closed = try await client.reply("x") { $0["b"] = "SCHEDULE_TOPIC_XXXX" }
            #expect(closed.responseCode == .noPermission)
            #expect(requester.replies.isEmpty)
            #expect(try await client.storedReplies().isEmpty)

            let made = try await client.reply("x") { $0["b"] = "Another_REPLY_TOPIC" }
            #expect(made.responseCode == .success, "its topic is made")
            #expect(requester.replies.map { $0.fields["topic"] } == ["Another_REPLY_TOPIC"])
            #expect(try await client.pull("Another_REPLY_TOPIC").bodies == ["x"])
            await requester.close()
        }
    }
}
