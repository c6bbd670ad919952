// A broker from start to stop: it binds its port, opens the store, and serves; in the end it
// answers what is under way, brings everything to the device, and closes.

public import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A broker in this process.
public final class Broker: Sendable {
    /// Where it listens, and what it tells clients to come to.
    public let address: HostAddress
    private let core: BrokerCore
    private let server: RemotingServer
    private let delivery: DelayedDelivery
    private let client: RemotingClient
    private let registration: NameServerRegistration
    private let groups: [MultiThreadedEventLoopGroup]
    private let timers: Mutex<[RepeatedTask]>
    private let isStopped = Atomic<Bool>(false)

    /// Starts a broker and returns when it serves. Port 0 takes one that is free.
    ///
    /// Fails when the port is taken, when TLS is not to be had as it is configured (`TLSError`),
    /// when the store cannot be opened (`StoreError`), or when what it kept besides messages is
    /// damaged (`StateError`).
    public static func start(
        _ configuration: BrokerConfiguration, logger: Logger
    ) async throws -> Broker {
        let loops = configuration.network.eventLoopThreads ?? min(4, System.coreCount)
        let serving = MultiThreadedEventLoopGroup(numberOfThreads: max(1, loops))
        let errands = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let router = RequestRouter()
        var remoting = RemotingConfiguration()
        remoting.idleTimeout = .seconds(configuration.network.idleSeconds)
        remoting.serverTLS = configuration.tls.server
        remoting.backlog = Int32(clamping: configuration.network.backlog)
        if configuration.access.isEnabled {
            // A message may be the first that a client sends, and be of any size that it may have.
            remoting.strangerFrameBytes =
                min(configuration.store.limits.bodyByteCount, remoting.limits.frameBytes)
                + remoting.limits.headerBytes
        }
        let server = RemotingServer(
            configuration: remoting, processor: router, logger: logger, group: serving)
        do {
            // Before the store is opened, so that its records carry the port that clients come to.
            let bound = try await server.start(
                host: configuration.network.bindAddress, port: configuration.network.port)
            if !configuration.access.isEnabled { warnOfOpenPort(bound, logger) }
            return try Broker(
                configuration, router, server, port: bound.port ?? configuration.network.port,
                groups: [serving, errands], logger: logger)
        } catch {
            await server.stop()
            for group in [serving, errands] { try? await group.shutdownGracefully() }
            throw error
        }
    }

    private static func warnOfOpenPort(_ address: SocketAddress, _ logger: Logger) {
        let host = address.ipAddress ?? ""
        if host.hasPrefix("127.") || host == "::1" { return }
        logger.warning(
            "anyone who reaches this address can read and write: there is no access control",
            metadata: ["address": "\(address)"])
    }

    private init(
        _ configuration: BrokerConfiguration, _ router: RequestRouter, _ server: RemotingServer,
        port: Int, groups: [MultiThreadedEventLoopGroup], logger: Logger
    ) throws {
        var configuration = configuration
        address = try Self.advertisedAddress(configuration.network, port: Int32(port))
        configuration.store.storeHost = address
        let access =
            configuration.access.isEnabled
            ? try AccessControl(home: configuration.access.home ?? "", logger: logger) : nil
        let store = try MessageStore.open(
            configuration.storePath, configuration.store, observer: StoreLog(logger))
        do {
            let state = try BrokerState.open(configuration, logger: logger)
            core = try BrokerCore(
                configuration: configuration, store: store, state: state,
                connections: router.connections, errands: groups[1].next(), access: access,
                logger: logger)
            delivery = try DelayedDelivery(core)
        } catch {
            try store.close()
            throw error
        }
        self.server = server
        self.groups = groups
        var dialling = RemotingConfiguration()
        dialling.clientTLS = configuration.tls.own
        client = RemotingClient(configuration: dialling, logger: logger, group: groups[0])
        registration = NameServerRegistration(
            BrokerPresence(configuration, host: address.addressText, port: port),
            configuration.registration, topics: core.state.topics, client: client,
            group: groups[1], logger: logger)
        timers = Mutex([])
        router.begin(core)
        delivery.start()
        startTimers()
        registration.start()
    }

    private func startTimers() {
        let core = core
        let delivery = delivery
        every(.milliseconds(200)) { core.answerExpiredPulls() }
        every(.seconds(10)) { core.closeSilentConnections() }
        every(.seconds(10)) { core.countTraffic() }
        if let access = core.access { every(.seconds(1)) { access.reload() } }
        every(.milliseconds(core.configuration.transactions.intervalMilliseconds)) {
            core.checkTransactions()
        }
        every(.milliseconds(core.configuration.offsets.intervalMilliseconds)) {
            core.attempt("to keep consumers' offsets") { try core.state.offsets.persist() }
        }
        every(.milliseconds(core.configuration.delay.intervalMilliseconds)) {
            core.attempt("to keep how far delayed messages have been delivered") {
                try delivery.keepOffsets()
                try core.state.delayOffsets.persist()
            }
        }
    }

    private func every(_ time: TimeAmount, _ body: @escaping @Sendable () -> Void) {
        let task = core.errands.scheduleRepeatedTask(initialDelay: time, delay: time) { _ in body()
        }
        timers.withLock { $0.append(task) }
    }

    /// Stops: accepts nothing more, answers what is under way, brings everything to the device, and
    /// closes the store. A second call does nothing.
    public func stop() async throws {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        // First, so that clients look elsewhere.
        await registration.stop()
        core.isStopping.store(true, ordering: .relaxed)
        await server.stopAccepting()
        core.answerAllPulls()
        for timer in timers.withLock({ $0 }) { timer.cancel() }
        delivery.stop()
        // Errands come one by one: behind this one, those that were under way are done.
        let core = core
        let delivery = delivery
        try? await core.errands.submit {
            core.attempt("to bring the store to the device") { try core.store.flush() }
            core.attempt("to keep how far delayed messages have been delivered") {
                try delivery.keepOffsets()
            }
            core.attempt("to keep how far transactions have come") { try core.keepTransactions() }
            core.attempt("to keep topics, groups and offsets") { try core.state.persist() }
        }.get()
        await server.stop()
        await client.close()
        defer { core.logger.info("the broker has stopped") }
        try core.store.close()
        for group in groups { try await group.shutdownGracefully() }
    }

    /// The address that clients are told: as configured, or that of the first interface.
    static func advertisedAddress(
        _ network: NetworkSettings, port: Int32
    ) throws(StoreError) -> HostAddress {
        let text = network.advertisedHost ?? LocalAddress.current
        // A scope (`%eth0`) names an interface of this machine, and means nothing to clients.
        if !text.contains("%"), let host = HostAddress(text: text.withoutBrackets, port: port) {
            return host
        }
        throw .invalidConfiguration(
            key: "brokerIP1",
            reason: "\(text) is no IPv4 or IPv6 address that clients could come to")
    }
}

extension String {
    /// An IPv6 address as in `[::1]:10911`, without what is around it.
    var withoutBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}

extension BrokerCore {
    /// Does what is tried again later anyway, and logs when it fails.
    func attempt(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch {
            logger.error("could not manage \(what)", metadata: ["reason": "\(error)"])
        }
    }
}

extension Broker {
    /// Pulls that wait for a message.
    var waitingPulls: Int { core.held.withLock { $0.count } }
    /// Looks at what came and went, as a timer does.
    func countTraffic() { core.countTraffic() }
    /// The topics that there are, in no order.
    var topicNames: [String] { core.state.topics.all.map(\.name) }
    /// The store that it serves.
    var store: MessageStore { core.store }
    /// How far one of the queues of transactions has been read for good.
    func offset(ofTransactions topic: String) -> Int64? {
        core.state.offsets.offset(group: Transactions.group, topic: topic, queue: 0)
    }
}
