// What a NameServer does with a request: one `switch` on its code, one handler a file.
//
// Runs on the event loops of the connections. What writes the key-value file, and what reads a
// large registration, goes to a thread of its own and answers from there. All wait for the one lock
// of the routes, which is held as long as a registration's topics take to be put there, or a
// broker's to be taken out.

import ApusFormat
import ApusRemoting
import ApusSystem
import Logging
import NIOPosix
import Synchronization

/// The state of a server, and its answers.
final class NameServerProcessor: RequestProcessor {
    let configuration: NameServerConfiguration
    let logger: Logger
    let keyValues: KeyValueStore
    let clock: TimeSource
    /// When the server began, by `now`.
    let began: Int64
    /// Writes the key-value file. Each job writes the whole table: more would wait long.
    let writer = Worker(limit: 1_000)
    /// Reads large registrations. Weighed in bytes, of compressed ones in those they may become.
    let registrar = Worker(limit: 64 << 20)
    /// Tells brokers of a change. Returns at once.
    let announce: @Sendable (LowestIDChange) -> Void

    private let table: Mutex<RouteTable>
    /// The connections over which brokers registered, so that those of silent ones can be closed.
    private let registrants = Mutex<[UInt64: Connection]>([:])

    init(
        _ configuration: NameServerConfiguration, keyValues: KeyValueStore, clock: TimeSource,
        logger: Logger,
        announce: @escaping @Sendable (LowestIDChange) -> Void
    ) {
        self.configuration = configuration
        self.keyValues = keyValues
        self.clock = clock
        self.logger = logger
        self.announce = announce
        table = Mutex(RouteTable(rules: configuration.rules))
        began = clock.nanoseconds / 1_000_000
    }

    /// Milliseconds that never step back.
    var now: Int64 { clock.nanoseconds / 1_000_000 }

    /// Reads or changes the routes. The body runs under the server's one lock: what can be read or
    /// made ready outside is.
    func routes<Result: Sendable>(_ body: (inout RouteTable) -> Result) -> Result {
        table.withLock { table in body(&table) }
    }

    // MARK: - Requests

    func process(_ request: borrowing Request, on connection: Connection) {
        let key = request.replyKey
        do {
            if let response = try answer(request, on: connection) {
                connection.respond(to: key, response)
            }
        } catch {
            refuse(request.code, key, connection, error)
        }
    }

    /// Answers an error to what could not be carried out.
    func refuse(
        _ code: RequestCode, _ key: ReplyKey, _ connection: Connection, _ error: any Error
    ) {
        logger.warning(
            "request refused",
            metadata: [
                "code": "\(code.rawValue)", "from": "\(connection.remoteAddress)",
                "reason": "\(Printable.text("\(error)"))",
            ])
        connection.respond(to: key, Response(.systemError, remark: "\(error)"))
    }

    /// nil: the answer comes later, from another thread.
    private func answer(
        _ request: borrowing Request, on connection: Connection
    ) throws -> Response? {
        switch request.code {
        case .getRouteinfoByTopic: try findRoute(request)
        case .registerBroker: try registerBroker(request, connection)
        case .unregisterBroker: try unregisterBroker(request, connection)
        case .brokerHeartbeat: try heartbeat(request)
        case .queryDataVersion: try queryDataVersion(request)
        case .getBrokerMemberGroup: try findMemberGroup(request)
        case .getBrokerClusterInfo: clusterInformation()
        case .getAllTopicListFromNameserver: listAllTopics()
        case .getTopicsByCluster: try listTopics(ofCluster: request)
        case .getSystemTopicListFromNs: listSystemTopics()
        case .getUnitTopicList: listUnitTopics { $0.contains(.unit) }
        case .getHasUnitSubTopicList: listUnitTopics { $0.contains(.unitSubscribed) }
        case .getHasUnitSubUnunitTopicList:
            listUnitTopics { $0.contains(.unitSubscribed) && !$0.contains(.unit) }
        case .registerTopicInNamesrv: try registerTopic(request)
        case .deleteTopicInNamesrv: try deleteTopic(request)
        case .wipeWritePermOfBroker: try wipeWritePermission(request, connection)
        case .addWritePermOfBroker: try addWritePermission(request, connection)
        case .putKvConfig: try putKeyValue(request, connection)
        case .getKvConfig: try getKeyValue(request)
        case .deleteKvConfig: try deleteKeyValue(request, connection)
        case .getKvlistByNamespace: try listKeyValues(request)
        case .updateNamesrvConfig: refuseConfiguration(connection)
        case .getNamesrvConfig: showConfiguration()
        default: .unsupported(request.code)
        }
    }

    // MARK: - Connections

    func remember(_ connection: Connection) {
        registrants.withLock { $0[connection.id] = connection }
    }

    func connectionClosed(_ connection: Connection) {
        // Most are clients, which the table need not be searched for.
        guard registrants.withLock({ $0.removeValue(forKey: connection.id) }) != nil else { return }
        removeBrokers(of: connection)
    }

    /// Takes away what a registration that came too late has put on record: whoever closed the
    /// connection may have looked before.
    func removeIfClosed(_ connection: Connection) {
        if connection.isOpen { return }
        registrants.withLock { $0[connection.id] = nil }
        removeBrokers(of: connection)
    }

    private func removeBrokers(of connection: Connection) {
        let (removed, announcements) = routes { $0.connectionClosed(connection.id) }
        for place in removed {
            logger.info(
                "broker removed: its connection closed",
                metadata: ["broker": "\(Printable.text(place.address))"])
        }
        announcements.forEach(announce)
    }

    /// Returns when what was begun is done.
    func stop() async {
        await writer.stop()
        await registrar.stop()
    }

    /// Removes silent brokers. `NameServer` calls it from a timer.
    func sweep() {
        let (removed, announcements) = routes { $0.sweep(at: now) }
        for (place, broker) in removed {
            logger.warning(
                "broker removed: it was silent for too long",
                metadata: [
                    "broker": "\(Printable.text(place.address))",
                    "name": "\(Printable.text(broker.name))",
                    "timeout": "\(broker.timeout) ms",
                ])
            registrants.withLock { $0[broker.connection] }?
                .close(reason: "the broker was silent for more than \(broker.timeout) ms")
        }
        announcements.forEach(announce)
    }
}

extension BrokerPlace {
    /// The fields that all requests of brokers have.
    init(_ request: borrowing Request) throws {
        self.init(
            cluster: try Name.check(try request.string("clusterName"), as: "clusterName"),
            address: try Name.check(try request.string("brokerAddr"), as: "brokerAddr"))
    }
}
