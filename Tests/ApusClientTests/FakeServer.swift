// A server that answers as a test says, or not at all: brokers and NameServers that are slow, gone,
// or lie.

import ApusFormat
import ApusRemoting
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import ApusClient

/// Answers each request by a closure; nil is silence.
final class FakeServer: RequestProcessor {
    typealias Answer = @Sendable (RemotingCommand) -> Response?

    /// Answers itself, if it answers true.
    typealias Twist = @Sendable (RemotingCommand, ReplyKey, Connection) -> Bool

    private struct State {
        var twist: Twist?
        var requests: [RemotingCommand] = []
        var answer: Answer
        var server: RemotingServer?
        var connections: [Connection] = []
        /// Connections on which nothing is answered any more.
        var frozen: Set<Connection> = []
    }

    private let state: Mutex<State>

    init(_ answer: @escaping Answer) { state = Mutex(State(answer: answer)) }

    var requests: [RemotingCommand] { state.withLock { $0.requests } }

    func count(_ code: RequestCode) -> Int { requests.count { $0.requestCode == code } }

    func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    func twist(_ twist: @escaping Twist) { state.withLock { $0.twist = twist } }

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        let key = request.replyKey
        let (answer, twist) = state.withLock { state -> (Answer?, Twist?) in
            if state.frozen.contains(connection) { return (nil, nil) }
            state.requests.append(command)
            return (state.answer, state.twist)
        }
        if twist?(command, key, connection) == true { return }
        if let response = answer?(command) { connection.respond(to: key, response) }
    }

    func connectionOpened(_ connection: Connection) {
        state.withLock { $0.connections.append(connection) }
    }

    /// Says nothing more on any connection that there is, and leaves it open: as if the peer's
    /// machine were gone.
    func freeze() { state.withLock { $0.frozen.formUnion($0.connections) } }

    /// Cuts all connections that there are.
    func cut() {
        let connections = state.withLock { state in
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { connection.close(reason: "the test cuts it") }
    }

    /// Where it listens.
    func start(port: Int = 0) async throws -> String {
        let server = RemotingServer(
            processor: self, logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
        let address = try await server.start(host: "127.0.0.1", port: port)
        state.withLock { $0.server = server }
        return "127.0.0.1:\(try #require(address.port))"
    }

    func stop() async {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        await server?.stop()
    }
}

extension FakeServer {
    /// A NameServer that knows these brokers, each with `queues` queues of every topic.
    static func nameServer(
        _ brokers: [String: String], queues: Int64 = 2
    ) -> FakeServer {
        FakeServer { request in
            guard request.requestCode == .getRouteinfoByTopic else { return Response(.success) }
            return route(brokers, queues: queues)
        }
    }

    static func route(_ brokers: [String: String], queues: Int64 = 2) -> Response {
        let names = brokers.keys.sorted()
        let groups = names.map { name -> JSON in
            let addresses: JSONObject = ["0": .string(brokers[name] ?? "")]
            let fields: JSONObject = [
                "brokerAddrs": .object(addresses), "brokerName": .string(name), "cluster": "c",
            ]
            return .object(fields)
        }
        let counts = names.map { name -> JSON in
            let fields: JSONObject = [
                "brokerName": .string(name), "perm": 6, "readQueueNums": .integer(queues),
                "writeQueueNums": .integer(queues),
            ]
            return .object(fields)
        }
        let fields: JSONObject = ["brokerDatas": .array(groups), "queueDatas": .array(counts)]
        return Response(.success, body: JSON.object(fields).bytes())
    }

    /// A broker that stores everything.
    static func broker() -> FakeServer { FakeServer { stored($0) } }

    static func stored(_ request: RemotingCommand) -> Response {
        switch request.requestCode {
        case .sendMessageV2, .sendBatchMessage:
            return Response(
                .success,
                fields: [
                    "msgId": "7F00000100002A9F0000000000000001",
                    "queueId": request.fields["e"] ?? "0", "queueOffset": "7",
                ])
        default: return Response(.success)
        }
    }
}
