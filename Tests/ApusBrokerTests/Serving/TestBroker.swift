// A broker over loopback with a client of its own: what the tests of handlers talk to.

import ApusFormat
import ApusRemoting
import ApusStore
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker

/// Starts a broker on a free port, runs `body`, and stops it.
func withBroker(
    in directory: TemporaryDirectory? = nil,
    _ change: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (TestClient) async throws -> Void
) async throws {
    let directory = try directory ?? TemporaryDirectory()
    var configuration = BrokerConfiguration.forTests(in: directory)
    change(&configuration)
    let broker = try await Broker.start(configuration, logger: .silent)
    let client = TestClient(broker)
    do {
        try await body(client)
    } catch {
        await client.close()
        try? await broker.stop()
        throw error
    }
    await client.close()
    try await broker.stop()
}

extension BrokerConfiguration {
    static func forTests(in directory: TemporaryDirectory) -> BrokerConfiguration {
        var configuration = BrokerConfiguration()
        configuration.storePath = directory.path + "/store"
        configuration.store = .small
        configuration.network.bindAddress = "127.0.0.1"
        configuration.network.advertisedHost = "127.0.0.1"
        configuration.network.port = 0
        configuration.network.eventLoopThreads = 1
        return configuration
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// A client of one broker.
final class TestClient: Sendable {
    let broker: Broker
    private let client: RemotingClient
    private let notes = Notes()

    init(_ broker: Broker, credentials: SessionCredentials? = nil) {
        self.broker = broker
        client = RemotingClient(
            requests: notes, credentials: credentials, logger: .silent,
            group: MultiThreadedEventLoopGroup.singleton)
    }

    var address: String { broker.address.description }
    /// What the broker has told without being asked.
    var told: [RemotingCommand] { notes.told.withLock { $0 } }

    func ask(
        _ code: RequestCode, _ fields: HeaderFields = [:], body: [UInt8] = [], version: Int32 = 479
    ) async throws -> RemotingCommand {
        var command = RemotingCommand.request(code, fields: fields, body: body)
        command.version = version
        return try await client.invoke(command, on: address, timeout: .seconds(20))
    }

    func ask(
        _ code: RequestCode, _ fields: HeaderFields = [:], json: String
    ) async throws -> RemotingCommand {
        try await ask(code, fields, body: Array(json.utf8))
    }

    /// Asks all at once, in this order, on one connection, and waits for the answers.
    func askAll(_ commands: [RemotingCommand]) async throws -> [ResponseCode] {
        let connection = try await client.connection(to: address)
        let codes = Mutex<[ResponseCode]>([])
        for command in commands {
            connection.invoke(command, timeout: .seconds(20)) { result in
                codes.withLock { $0.append((try? result.get())?.responseCode ?? .systemError) }
            }
        }
        while codes.withLock({ $0.count }) < commands.count {
            try await Task.sleep(for: .milliseconds(1))
        }
        return codes.withLock { $0 }
    }

    /// Sends a message as Java's client does.
    @discardableResult
    func send(
        _ body: String, to topic: String = "Orders", queue: Int = 0,
        properties: [Property] = [], changing: (inout HeaderFields) -> Void = { _ in }
    ) async throws -> RemotingCommand {
        var fields: HeaderFields = [
            "a": "producers", "b": topic, "c": "TBW102", "d": "4", "e": "\(queue)", "f": "0",
            "g": "1700000000000", "h": "0",
            "i": String(decoding: Properties.encode(properties), as: UTF8.self),
            "j": "0", "k": "false", "m": "false",
        ]
        changing(&fields)
        return try await ask(.sendMessageV2, fields, body: Array(body.utf8))
    }

    /// Pulls with the subscription inline, as the C++ client does.
    func pull(
        _ topic: String = "Orders", queue: Int = 0, from offset: Int64 = 0,
        group: String = "readers",
        tags: String = "*", wait: Int = 0, changing: (inout HeaderFields) -> Void = { _ in }
    ) async throws -> Pulled {
        var fields: HeaderFields = [
            "consumerGroup": group, "topic": topic, "queueId": "\(queue)",
            "queueOffset": "\(offset)", "maxMsgNums": "32", "sysFlag": wait > 0 ? "6" : "4",
            "commitOffset": "0", "suspendTimeoutMillis": "\(wait)", "subscription": tags,
            "subVersion": "1",
        ]
        changing(&fields)
        return try Pulled(await ask(.pullMessage, fields))
    }

    func close() async { await client.close() }
}

/// Keeps what comes unasked.
private final class Notes: RequestProcessor {
    let told = Mutex<[RemotingCommand]>([])

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        told.withLock { $0.append(command) }
    }
}

/// The answer to a pull, and the messages in it.
struct Pulled {
    let code: ResponseCode
    let status: String?
    let nextOffset: Int64
    let messages: [PulledMessage]
    var bodies: [String] { messages.map(\.body) }

    init(_ answer: RemotingCommand) throws {
        code = answer.responseCode
        status = answer.remark
        nextOffset = (try? answer.fields.int64("nextBeginOffset")) ?? -1
        messages = try PulledMessage.all(in: answer.body)
    }
}

/// A record as a client reads it.
struct PulledMessage {
    let topic: String
    let body: String
    let properties: [Property]
    let fields: RecordFields

    func property(_ name: String) -> String? { properties.last { $0.name == name }?.value }

    static func all(in bytes: [UInt8]) throws -> [PulledMessage] {
        var all: [PulledMessage] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let record = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            all.append(try #require(PulledMessage(record)))
        }
        return all
    }

    private init?(_ record: [UInt8]) {
        let bytes = record.rawSpan
        guard
            case .record(let frame) = RecordInspection.inspect(
                bytes, at: 0, physicalOffset: 0, checks: .bodyChecksum)
        else { return nil }
        topic = String(decodingUTF8: frame.topic(in: bytes))
        body = String(decodingUTF8: frame.body(in: bytes))
        properties = Properties.decode(frame.properties(in: bytes))
        fields = frame.fields(in: bytes)
    }
}
