// What administrators ask of consumers, by way of a broker that the test is.

import ApusFormat
import ApusRemoting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import ApusClient

/// A broker with one queue of three messages, that keeps the connection of its consumer.
private final class AskingBroker: RequestProcessor {
    private let state = Mutex<Connection?>(nil)
    let records: [UInt8]

    init(_ records: [UInt8]) { self.records = records }

    var consumer: Connection? { state.withLock { $0 } }

    func process(_ request: borrowing Request, on connection: Connection) {
        let key = request.replyKey
        let fields = request.command.fields
        switch request.code {
        case .heartBeat:
            state.withLock { $0 = connection }
            connection.respond(to: key, Response(.success))
        case .getConsumerListByGroup:
            // Whoever asks is the only member.
            connection.respond(to: key, Response(.success, body: Array(members.utf8)))
        case .queryConsumerOffset:
            connection.respond(to: key, Response(.success, fields: ["offset": "0"]))
        case .lockBatchMq:
            connection.respond(to: key, Response(.success, body: Array(locked.utf8)))
        case .pullMessage where fields["queueOffset"] == "0" && fields["topic"] == "T":
            connection.respond(
                to: key,
                Response(
                    .success, fields: ["nextBeginOffset": "1", "maxOffset": "1"], body: records))
        case .pullMessage: break
        default: connection.respond(to: key, Response(.success))
        }
    }

    let clientID = Mutex("")
    private var members: String { "{\"consumerIdList\":[\"\(clientID.withLock { $0 })\"]}" }
    private var locked: String {
        "{\"lockOKMQSet\":[{\"brokerName\":\"one\",\"queueId\":0,\"topic\":\"T\"}]}"
    }
}

@Suite("What administrators ask of a consumer")
struct ConsumerAdministrationTests {
    private func with(
        _ body: (AskingBroker, PushConsumer, Connection, Heard) async throws -> Void
    ) async throws {
        let broker = AskingBroker(sample(at: 0).bytes)
        let server = RemotingServer(
            processor: broker, logger: .quiet, group: .singletonMultiThreadedEventLoopGroup)
        let port = try #require(try await server.start(host: "127.0.0.1", port: 0).port)
        let nameServer = FakeServer.nameServer(["one": "127.0.0.1:\(port)"], queues: 1)
        var client = ClientConfiguration(nameServers: try await nameServer.start())
        client.logger = .quiet
        let heard = Heard()
        let consumer = try PushConsumer(
            ConsumerConfiguration(client, group: "g", Subscription("T"))
        ) { heard.note($0) }
        broker.clientID.withLock { $0 = consumer.clientID }
        try await consuming(consumer) {
            try await eventually("a message came") { heard.count >= 1 }
            let connection = try #require(broker.consumer)
            try await body(broker, consumer, connection, heard)
        }
        await server.stop()
        await nameServer.stop()
    }

    @Test("offsets are reset, by Java's map and by a list")
    func reset() async throws {
        try await with { _, consumer, connection, heard in
            let queue = "{\"brokerName\":\"one\",\"queueId\":0,\"topic\":\"T\"}"
            let map = "{\"offsetTable\":{\(queue):0}}"
            let list = "{\"offsetTable\":[\(queue.dropLast()),\"offset\":0}]}"
            for (count, body) in [(2, map), (3, list)] {
                let answer = try await connection.invoke(
                    .request(.resetConsumerClientOffset, body: Array(body.utf8)),
                    timeout: .seconds(5))
                #expect(answer.responseCode == .success)
                try await eventually("it came again") { heard.count >= count }
            }
            // What cannot be read changes nothing.
            _ = try await connection.invoke(
                .request(.resetConsumerClientOffset, body: Array("{".utf8)), timeout: .seconds(5))
            #expect(consumer.progress.contains { $0.queue.topic == "T" })
        }
    }

    @Test("it tells how far it has come, and what it is")
    func status() async throws {
        try await with { _, consumer, connection, _ in
            try await eventually("it is done") {
                consumer.progress.first { $0.queue.topic == "T" }?.consumedOffset == 1
            }
            let status = try await connection.invoke(
                .request(.getConsumerStatusFromClient, fields: ["topic": "T"]),
                timeout: .seconds(5))
            #expect(
                String(decoding: status.body, as: UTF8.self).contains(
                    "{\"brokerName\":\"one\",\"queueId\":0,\"topic\":\"T\"}:1"))
            let info = try await connection.invoke(
                .request(.getConsumerRunningInfo), timeout: .seconds(5))
            let json = try JSON(parsing: info.body.rawSpan)
            #expect(json["properties"]?["PROP_CONSUME_ORDERLY"]?.string == "false")
            #expect(json["mqTable"]?.object?.count == consumer.progress.count)
        }
    }

    @Test("a message is given to the handler, and the answer says what came of it")
    func direct() async throws {
        try await with { broker, _, connection, heard in
            let answer = try await connection.invoke(
                .request(.consumeMessageDirectly, body: broker.records), timeout: .seconds(5))
            let json = try JSON(parsing: answer.body.rawSpan)
            #expect(json["consumeResult"]?.string == "CR_SUCCESS" && heard.count == 2)
            let bad = try await connection.invoke(
                .request(.consumeMessageDirectly, body: [1, 2, 3]), timeout: .seconds(5))
            #expect(bad.responseCode == .systemError)
        }
    }
}
