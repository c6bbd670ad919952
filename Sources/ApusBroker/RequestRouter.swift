// Step 2 in the life of a message: one `switch` on the request code.
//
// On the event loop of the connection. What waits for the disk goes on as an errand.

import ApusRemoting
import Logging
import Synchronization

/// Brings each request to its handler, and answers those that are refused.
@safe final class RequestRouter: RequestProcessor {
    let connections = ConnectionTable()
    /// There once the store is open.
    private let started = Mutex<BrokerCore?>(nil)
    /// The same without a lock, and without a count that each request would raise and lower.
    private let running = unsafe Atomic<Unmanaged<BrokerCore>?>(nil)
    private var core: BrokerCore? { started.withLock { $0 } }

    /// From now on requests are carried out. To be called once.
    func begin(_ core: BrokerCore) {
        started.withLock { started in
            precondition(started == nil, "a router begins once")
            started = core
        }
        // Safe: `started` holds it as long as this router is there, and never changes again.
        unsafe running.store(Unmanaged.passUnretained(core), ordering: .releasing)
    }

    func process(_ request: borrowing Request, on connection: Connection) {
        var memo: AnyObject?
        process(request, on: connection, keeping: &memo)
    }

    func process(
        _ request: borrowing Request, on connection: Connection, keeping memo: inout AnyObject?
    ) {
        // Safe: as above; whoever calls holds this router.
        guard let core = unsafe running.load(ordering: .acquiring) else {
            return connection.refuse(
                request.replyKey,
                Refusal(.serviceNotAvailable, "the broker starts: try again"))
        }
        unsafe core._withUnsafeGuaranteedRef { core in
            do throws(Refusal) {
                try process(request, on: connection, core, &memo)
            } catch {
                connection.refuse(request.replyKey, error)
            }
        }
    }

    private func process(
        _ request: borrowing Request, on connection: Connection, _ core: BrokerCore,
        _ memo: inout AnyObject?
    ) throws(Refusal) {
        if core.isStopping.load(ordering: .relaxed) { throw Self.stopping(request.version) }
        if let access = core.access {
            let account = try access.account(for: request, at: core.now)
            connection.trust()
            return try route(request, on: connection, core, for: account, &memo)
        }
        try route(request, on: connection, core, for: nil, &memo)
    }

    @inline(__always)
    private func route(
        _ request: borrowing Request, on connection: Connection, _ core: BrokerCore,
        for account: Account?, _ memo: inout AnyObject?
    ) throws(Refusal) {
        switch request.code {
        case .sendMessage, .sendMessageV2, .sendBatchMessage:
            try core.sendMessage(request, on: connection, &memo)
        default: try routeOther(request, on: connection, core, for: account)
        }
    }

    private func routeOther(
        _ request: borrowing Request, on connection: Connection, _ core: BrokerCore,
        for account: Account?
    ) throws(Refusal) {
        let answer: Response
        switch request.code {
        case .sendReplyMessage, .sendReplyMessageV2:
            return try core.sendReply(request, on: connection)
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
        default: return routeErrand(request, on: connection, core, for: account)
        }
        connection.respond(to: request.replyKey, answer)
    }

    /// What may wait for the disk, and takes its request along.
    private func routeErrand(
        _ request: borrowing Request, on connection: Connection, _ core: BrokerCore,
        for account: Account?
    ) {
        let key = request.replyKey
        let command = request.command
        switch request.code {
        case .consumerSendMsgBack:
            return core.later(connection, key) { (core) throws(Refusal) in
                try core.sendBack(command, on: connection, key: key, for: account)
            }
        case .getConsumerRunningInfo:
            return core.later(connection, key) { (core) throws(Refusal) in
                try core.runningInformation(command, on: connection, key)
            }
        case .consumeMessageDirectly:
            return core.later(connection, key) { (core) throws(Refusal) in
                try core.consumeDirectly(command, on: connection, key, for: account)
            }
        default: break
        }
        core.errand(connection, key) { (core) throws(Refusal) in
            try core.carryOut(command, on: connection, for: account)
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
        connections.add(connection)
    }

    func connectionClosed(_ connection: Connection) {
        connections.remove(connection)
        core?.forget(connection)
    }
}
