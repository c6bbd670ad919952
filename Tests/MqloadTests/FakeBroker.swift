// A broker, and a NameServer that knows it, which answers as it is told: what `mqload` must not
// take for success.

import ApusFormat
import ApusRemoting
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Where a fake differs from a broker that takes and keeps everything.
struct Manners: Sendable {
    /// What sends and heartbeats are answered with.
    var sends = ResponseCode.success
    /// How long the fortieth send is held, and with it all behind it.
    var stall = Duration.zero
    /// Whether a send that is acknowledged is kept, by its number from 1 on.
    var keeps: @Sendable (Int) -> Bool = { _ in true }
    /// How many of the looks at the end, behind the first, do not see what was kept.
    var staleLooks = 0
    /// What is answered about the topic, and with which body.
    var topic = ResponseCode.success
    var topicBody = #"{"readQueueNums":1,"writeQueueNums":1}"#
    /// Messages that are there from the start.
    var held = 0
    /// What is wrong with pulls.
    var pulls = Pulls.right
    /// After how many sends, or heartbeats, connections are closed, each behind its answer.
    var patience = Int.max
    /// What is answered about the route, as a NameServer; with success it is this server.
    var route = ResponseCode.success

    enum Pulls: Sendable, CaseIterable { case right, flippedByte, wrongNext, missingMessage }
}

/// Has one queue, whatever the topic.
final class FakeBroker: RequestProcessor {
    private let manners: Manners
    private let state: Mutex<State>

    private struct State {
        var sends = 0
        var heartbeats = 0
        var looks = 0
        var bodies: [[UInt8]]
        var made: [String] = []
        var asked: Set<RequestCode> = []
        var waiting: [Pull] = []
    }

    private struct Pull {
        let topic: String
        let offset: Int
        let key: ReplyKey
        let connection: Connection
    }

    init(_ manners: Manners = Manners()) {
        self.manners = manners
        let body = Array("a message that is held".utf8)
        state = Mutex(State(bodies: Array(repeating: body, count: manners.held)))
    }

    /// Names of the topics that were made or overwritten.
    var made: [String] { state.withLock { $0.made } }

    func wasAsked(_ code: RequestCode) -> Bool { state.withLock { $0.asked.contains(code) } }

    func process(_ request: borrowing Request, on connection: Connection) {
        let code = request.code
        state.withLock { _ = $0.asked.insert(code) }
        switch code {
        case .getRouteinfoByTopic, .getBrokerClusterInfo:
            connection.respond(to: request.replyKey, route(code, connection))
        case .getTopicConfig:
            let response = Response(manners.topic, body: Array(manners.topicBody.utf8))
            connection.respond(to: request.replyKey, response)
        case .updateAndCreateTopic:
            let topic = request.optionalString("topic") ?? ""
            state.withLock { $0.made.append(topic) }
            connection.respond(to: request.replyKey, Response(.success))
        case .getMinOffset:
            connection.respond(to: request.replyKey, Response(.success, fields: ["offset": "0"]))
        case .getMaxOffset:
            let end = state.withLock { state in
                state.looks += 1
                return state.looks - 2 < manners.staleLooks && state.looks > 1
                    ? manners.held : state.bodies.count
            }
            connection.respond(
                to: request.replyKey, Response(.success, fields: ["offset": "\(end)"]))
        case .heartBeat:
            let count = state.withLock { state in
                state.heartbeats += 1
                return state.heartbeats
            }
            connection.respond(to: request.replyKey, Response(manners.sends))
            if count > manners.patience { connection.close(reason: "enough of them") }
        case .pullMessage:
            let pull = Pull(
                topic: request.optionalString("topic") ?? "",
                offset: (try? request.int64("queueOffset")).map { Int($0) } ?? 0,
                key: request.replyKey, connection: connection)
            if answer(pull) { return }
            if request.optionalString("suspendTimeoutMillis") == "0" {
                connection.respond(to: pull.key, Response(.pullNotFound))
            } else {
                state.withLock { $0.waiting.append(pull) }
            }
        default:
            let count = send([UInt8](request.body))
            connection.respond(to: request.replyKey, Response(manners.sends))
            if count > manners.patience { connection.close(reason: "enough of them") }
        }
    }

    /// Answers how many there were by now.
    private func send(_ body: [UInt8]) -> Int {
        // Behind those that warm up.
        let (number, waiting) = state.withLock { state in
            state.sends += 1
            if manners.sends == .success, manners.keeps(state.sends) { state.bodies.append(body) }
            defer { state.waiting = [] }
            return (state.sends, state.waiting)
        }
        if manners.stall > .zero, number == 40 {
            Thread.sleep(forTimeInterval: manners.stall / .seconds(1))
        }
        let left = waiting.filter { !answer($0) }
        state.withLock { $0.waiting += left }
        return number
    }

    private func route(_ code: RequestCode, _ connection: Connection) -> Response {
        let address = "\(connection.localAddress)"
        if code == .getBrokerClusterInfo {
            let body = #"{"brokerAddrTable":{"b":{"brokerAddrs":{"0":"\#(address)"}}}}"#
            return Response(.success, body: Array(body.utf8))
        }
        let body = #"{"brokerDatas":[{"brokerAddrs":{"0":"\#(address)","1":"127.0.0.1:1"}}]}"#
        return Response(manners.route, body: manners.route == .success ? Array(body.utf8) : [])
    }

    /// False where there is nothing to answer with so far.
    private func answer(_ pull: Pull) -> Bool {
        let bodies = state.withLock { $0.bodies.dropFirst(pull.offset).prefix(32) }
        guard !bodies.isEmpty else { return false }
        var records: [UInt8] = []
        var next = pull.offset + bodies.count
        for (place, body) in bodies.enumerated() {
            if manners.pulls == .missingMessage, place == 0 { continue }
            records += record(body, at: pull.offset + place, of: pull.topic)
        }
        if manners.pulls == .flippedByte { records[RecordLayout.body] ^= 1 }
        if manners.pulls == .wrongNext { next += 1 }
        pull.connection.respond(
            to: pull.key,
            Response(.success, fields: ["nextBeginOffset": "\(next)"], body: records))
        return true
    }

    private func record(_ body: [UInt8], at offset: Int, of topic: String) -> [UInt8] {
        let topic = Array(topic.utf8)
        let frame = RecordFrame(
            version: .v1, systemFlag: [], bodyLength: body.count, topicLength: topic.count,
            propertiesLength: 0)
        let none: [UInt8] = []
        return RecordEncoder.bytes(
            RecordFields(
                queueID: 0, queueOffset: Int64(offset),
                bodyChecksum: CRC32.stored(body.span.bytes)),
            frame: frame, topic: topic.span.bytes, properties: none.span.bytes,
            body: body.span.bytes)
    }

    /// Serves while `body` runs, which gets the address.
    func serve<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = RemotingServer(processor: self, logger: logger, group: group)
        let address = try await server.start(host: "127.0.0.1", port: 0)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body("127.0.0.1:\(address.port ?? 0)"))
        } catch { result = .failure(error) }
        await server.stop()
        try await group.shutdownGracefully()
        return try result.get()
    }
}
