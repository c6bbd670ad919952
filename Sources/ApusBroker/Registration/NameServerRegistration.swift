// Keeps every NameServer told of the broker and its topics.
//
// One task for each NameServer: a slow or dead one holds up no other. Changes that come while a
// registration is on its way go with the next.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusSystem
import Logging
import NIOCore
import Synchronization

/// The broker as it presents itself to NameServers.
public struct BrokerPresence: Sendable {
    public var clusterName: String
    public var name: String
    public var brokerID: Int64
    /// `host:port` for clients.
    public var address: String
    /// `host:port` for slaves.
    public var replicationAddress: String
    /// What may be done with any topic of this broker.
    public var permission: Permission

    public init(_ configuration: BrokerConfiguration, host: String, port: Int) {
        clusterName = configuration.clusterName
        name = configuration.name
        brokerID = configuration.brokerID
        permission = configuration.permission
        func address(_ host: String, _ port: Int) -> String {
            let host = host.withoutBrackets
            return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
        self.address = address(host, port)
        replicationAddress = address(
            configuration.network.replicationHost ?? host, configuration.network.replicationPort)
    }
}

/// Registers with NameServers: at once, at each change, and again now and then.
final class NameServerRegistration: Sendable {
    private let presence: BrokerPresence
    private let settings: RegistrationSettings
    private let topics: TopicTable
    private let client: RemotingClient
    private let logger: Logger
    private let group: any EventLoopGroup
    private let servers: [Server]
    private let isStopping = Flag()

    /// One NameServer.
    private final class Server: Sendable {
        let address: String
        let plan: Mutex<RegistrationPlan>
        let bell = Bell()
        /// Rung when its task has ended.
        let end = Bell()

        init(_ address: String, _ settings: RegistrationSettings) {
            self.address = address
            plan = Mutex(
                RegistrationPlan(
                    period: settings.periodMilliseconds, isForced: settings.isForced, now: now()))
        }
    }

    init(
        _ presence: BrokerPresence, _ settings: RegistrationSettings, topics: TopicTable,
        client: RemotingClient, group: any EventLoopGroup, logger: Logger
    ) {
        self.presence = presence
        self.settings = settings
        self.topics = topics
        self.client = client
        self.logger = logger
        self.group = group
        servers = settings.nameServers.map { Server($0, settings) }
    }

    /// Begins: returns at once.
    func start() {
        topics.onChange { [weak self] names in self?.note(names) }
        for server in servers {
            Task {
                await self.follow(server)
                server.end.ring()
            }
        }
    }

    /// Ends, and takes the broker out of the NameServers' routes. A NameServer that does not answer
    /// holds this up for six seconds at most: three for a registration that is on its way, which
    /// must not come behind the farewell.
    func stop() async {
        guard isStopping.set() else { return }
        for server in servers { server.bell.ring() }
        await withTaskGroup { tasks in
            for server in servers {
                tasks.addTask {
                    await server.end.sleep(.seconds(3), on: self.group.next())
                    await self.unregister(from: server)
                }
            }
        }
    }

    private func note(_ names: Set<String>) {
        for server in servers {
            server.plan.withLock { $0.note(names) }
            server.bell.ring()
        }
    }

    private func follow(_ server: Server) async {
        let loop = group.next()
        while !isStopping.isSet {
            guard let step = server.plan.withLock({ $0.next(at: now()) }) else {
                let wait = server.plan.withLock { $0.wait(at: now()) }
                await server.bell.sleep(.milliseconds(wait), on: loop)
                continue
            }
            do throws(RegistrationFailure) {
                let isBehind = try await take(step, server.address)
                let wasFailing = server.plan.withLock { plan in
                    defer { plan.succeeded(step, isBehind: isBehind, at: now()) }
                    return plan.isFailing
                }
                if wasFailing {
                    logger.info("registered again", metadata: ["nameServer": "\(server.address)"])
                }
            } catch {
                // The period is over before a registration that fails may say so again.
                let wasFailing = server.plan.withLock { plan in
                    defer { plan.failed(at: now()) }
                    return plan.isFailing
                }
                logger.log(
                    level: wasFailing ? .debug : .warning,
                    "cannot register: clients that ask this NameServer do not find the broker",
                    metadata: ["nameServer": "\(server.address)", "error": "\(error.text)"])
            }
        }
    }
}

/// Milliseconds by a clock that does not step.
private func now() -> Int64 { TimeSource.system.nanoseconds / 1_000_000 }

/// Why a NameServer was not told.
private struct RegistrationFailure: Error {
    let text: String
}

// MARK: - What is sent

extension NameServerRegistration {
    /// Takes a step; true when the NameServer turned out to be behind.
    private func take(
        _ step: RegistrationPlan.Step, _ address: String
    ) async throws(RegistrationFailure) -> Bool {
        let (topics, version) = self.topics.snapshot
        switch step {
        case .version:
            return try await isBehind(version, address)
        case .everything:
            try await register(topics.values.map(\.settings), version, address)
        case .topics(let names):
            let changed = names.compactMap { topics[$0]?.settings }
            // A topic that went can only be told of by all those that are left.
            let isWhole = changed.count < names.count
            let settings = isWhole ? topics.values.map(\.settings) : changed
            try await register(settings, version, address)
        }
        return false
    }

    private func register(
        _ topics: [TopicSettings], _ version: DataVersion, _ address: String
    ) async throws(RegistrationFailure) {
        let body = RegistrationBody(
            topics: topics.sorted { $0.name < $1.name }.map { topic in
                var topic = topic
                if !presence.permission.isSuperset(of: .readWrite) {
                    topic.permission.formIntersection(presence.permission)
                }
                return topic
            }, version: version)
        let bytes: [UInt8]
        do throws(CompressionError) {
            bytes = settings.isCompressed ? try body.compressed() : body.plain
        } catch {
            throw RegistrationFailure(text: "\(error)")
        }
        var fields = identity
        fields.append("haServerAddr", presence.replicationAddress)
        fields.append("enableActingMaster", "false")
        fields.append("compressed", "\(settings.isCompressed)")
        fields.append("bodyCrc32", CRC32.stored(bytes.rawSpan))
        let response = try await ask(
            .request(.registerBroker, fields: fields, body: bytes), address,
            .milliseconds(settings.timeoutMilliseconds))
        markOrdered(response.body)
    }

    /// The topics that the NameServer keeps an order configuration for.
    private func markOrdered(_ body: [UInt8]) {
        guard !body.isEmpty, let json = try? JSON(parsing: body.rawSpan),
            let table = json["table"]?.object
        else { return }
        do throws(StateError) {
            try topics.markOrdered(Set(table.members.map(\.name)))
        } catch {
            logger.error("cannot mark topics as ordered", metadata: ["error": "\(error)"])
        }
    }

    private func isBehind(
        _ version: DataVersion, _ address: String
    ) async throws(RegistrationFailure) -> Bool {
        let response = try await ask(
            .request(.queryDataVersion, fields: identity, body: version.json.bytes()), address,
            .milliseconds(settings.timeoutMilliseconds))
        // Older ones say nothing.
        return response.fields["changed"]?.lowercased() != "false"
    }

    private func unregister(from server: Server) async {
        do throws(RegistrationFailure) {
            _ = try await ask(
                .request(.unregisterBroker, fields: identity), server.address, .seconds(3))
        } catch {
            logger.warning(
                "cannot unregister: the NameServer finds out by itself",
                metadata: ["nameServer": "\(server.address)", "error": "\(error.text)"])
        }
    }

    /// The fields that every request has.
    private var identity: HeaderFields {
        [
            "brokerName": presence.name, "brokerAddr": presence.address,
            "clusterName": presence.clusterName, "brokerId": "\(presence.brokerID)",
        ]
    }

    private func ask(
        _ command: RemotingCommand, _ address: String, _ timeout: Duration
    ) async throws(RegistrationFailure) -> RemotingCommand {
        let response: RemotingCommand
        do throws(RemotingError) {
            response = try await client.invoke(command, on: address, timeout: timeout)
        } catch {
            throw RegistrationFailure(text: "\(error)")
        }
        guard response.responseCode == .success else {
            throw RegistrationFailure(
                text: "it answered \(response.code): \(response.remark ?? "without a reason")")
        }
        return response
    }
}
