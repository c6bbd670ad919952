// Step 2 in the life of a message: one `switch` on the request code.
//
// On the event loop of the connection. What waits for the disk goes on as an errand.

import ApusRemoting
import Logging
import Synchronization

/// Brings each request to its handler, and answers those that are refused.
struct RequestRouter: RequestProcessor {
    let core: BrokerCore

    func process(_ request: borrowing Request, on connection: Connection) {
        do throws(Refusal) {
            if core.isStopping.load(ordering: .relaxed) { throw Self.stopping(request.version) }
            try route(request, on: connection)
        } catch {
            connection.refuse(request.replyKey, error)
        }
    }

    private func route(
        _ request: borrowing Request, on connection: Connection
    ) throws(Refusal) {
        let answer: Response
        switch request.code {
        case .sendMessage, .sendMessageV2, .sendBatchMessage:
            return try core.sendMessage(request, on: connection)
        case .pullMessage, .litePullMessage:
            return try core.pullMessage(request, on: connection)
        case .queryConsumerOffset: answer = try core.queryConsumerOffset(request)
        case .updateConsumerOffset: answer = try core.updateConsumerOffset(request)
        case .getMaxOffset: answer = try core.maximumOffset(request)
        case .getMinOffset: answer = try core.minimumOffset(request)
        case .searchOffsetByTimestamp: answer = try core.searchOffset(request)
        case .getEarliestMsgStoretime: answer = try core.earliestStoreTime(request)
        case .unregisterClient: answer = core.unregisterClient(request, on: connection)
        case .getConsumerListByGroup: answer = try core.consumerList(request)
        case .lockBatchMq: answer = try core.lockQueues(request)
        case .unlockBatchMq: answer = try core.unlockQueues(request)
        case .checkClientConfig: answer = try core.checkClient(request)
        default: return try routeErrand(request, on: connection)
        }
        connection.respond(to: request.replyKey, answer)
    }

    /// What may wait for the disk, and takes its request along.
    private func routeErrand(
        _ request: borrowing Request, on connection: Connection
    ) throws(Refusal) {
        let key = request.replyKey
        if request.code == .consumerSendMsgBack {
            let command = request.command
            return core.later(connection, key) { (core) throws(Refusal) in
                try core.sendBack(command, on: connection, key: key)
            }
        }
        guard let handler = Self.errand(request.code) else {
            throw Refusal(
                .requestCodeNotSupported, " request type \(request.code.rawValue) not supported")
        }
        let command = request.command
        core.errand(connection, key) { (core) throws(Refusal) in
            try handler(core, command, connection)
        }
    }

    private typealias Errand =
        @Sendable (BrokerCore, RemotingCommand, Connection) throws(Refusal) -> Response

    private static func errand(_ code: RequestCode) -> Errand? {
        switch code {
        case .heartBeat: { (core, command, connection) throws(Refusal) in
            try core.heartBeat(command, on: connection)
        }
        case .queryMessage: { (core, command, _) throws(Refusal) in try core.queryMessage(command) }
        case .viewMessageById: { (core, command, _) throws(Refusal) in
            try core.viewMessage(command)
        }
        default: nil
        }
    }

    /// Java tells newer clients to go elsewhere, others that the broker is not there.
    private static func stopping(_ version: Int32) -> Refusal {
        version > goAwayVersion
            ? Refusal(.goAway, "please go away")
            : Refusal(.serviceNotAvailable, "the broker shuts down")
    }

    /// RocketMQ 5.3.1.
    private static let goAwayVersion: Int32 = 475

    func connectionOpened(_ connection: Connection) {
        core.connections.withLock { $0[connection.id] = connection }
    }

    func connectionClosed(_ connection: Connection) {
        core.connections.withLock { $0[connection.id] = nil }
        core.forget(connection)
    }
}
