// The NameServer: clients and brokers ask it which broker has which queues.
//
// Peers do not talk to each other: every broker registers with every one of them.

import ApusFormat
import ApusRemoting
import ApusSystem
public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// A NameServer in this process.
///
/// ```swift
/// var configuration = NameServerConfiguration()
/// configuration.host = "127.0.0.1"
/// configuration.port = 0
/// let server = try NameServer(configuration, logger: Logger(label: "namesrv"))
/// let address = try await server.start()
/// …
/// await server.stop()
/// ```
public final class NameServer: Sendable {
    private let configuration: NameServerConfiguration
    private let logger: Logger
    private let group: any EventLoopGroup
    private let ownGroup: MultiThreadedEventLoopGroup?
    let processor: NameServerProcessor
    private let server: RemotingServer
    /// Made when a broker is first told something: `notifyMinBrokerIdChanged`.
    private let client: RemotingClient
    private let sweeps = Mutex<RepeatedTask?>(nil)

    /// Loads the key-value configuration. `group` runs the connections; without one the server
    /// makes its own, which `stop` shuts down. Throws `ConfigurationError` and
    /// `StateFileError`.
    public convenience init(
        _ configuration: NameServerConfiguration = NameServerConfiguration(), logger: Logger,
        group: (any EventLoopGroup)? = nil
    ) throws {
        try self.init(
            configuration, logger: logger, group: group, disk: SystemDisk(), clock: .system)
    }

    init(
        _ configuration: NameServerConfiguration, logger: Logger,
        group: (any EventLoopGroup)? = nil, disk: any Disk, clock: TimeSource
    ) throws {
        try configuration.check()
        let keyValues = try KeyValueStore(
            path: configuration.keyValuePath, disk: disk, logger: logger)
        let own =
            group == nil
            ? MultiThreadedEventLoopGroup(
                numberOfThreads: min(configuration.eventLoopCount, System.coreCount)) : nil
        let loops: any EventLoopGroup = group ?? own ?? .singletonMultiThreadedEventLoopGroup
        var remoting = RemotingConfiguration()
        remoting.serverTLS = configuration.tls.server
        remoting.clientTLS = configuration.tls.own
        remoting.backlog = Int32(clamping: configuration.backlog)
        // A century stands for no limit.
        remoting.idleTimeout = .seconds(
            configuration.idleSeconds == 0 ? 3_155_760_000 : configuration.idleSeconds)
        let client = RemotingClient(configuration: remoting, logger: logger, group: loops)
        let processor = NameServerProcessor(
            configuration, keyValues: keyValues, clock: clock, logger: logger
        ) { $0.send(with: client, logger) }
        self.configuration = configuration
        self.logger = logger
        self.group = loops
        self.ownGroup = own
        self.processor = processor
        self.client = client
        server = RemotingServer(
            configuration: remoting, processor: processor, logger: logger, group: loops)
    }

    /// Begins to listen, and answers where.
    @discardableResult
    public func start() async throws -> SocketAddress {
        let address = try await server.start(host: configuration.host, port: configuration.port)
        if !Self.isLoopback(address) {
            logger.warning(
                "anyone who reaches this address can change routes: there is no access control",
                metadata: ["address": "\(address)"])
        }
        let interval = TimeAmount.milliseconds(configuration.sweepIntervalMilliseconds)
        let task = group.next().scheduleRepeatedTask(
            initialDelay: interval, delay: interval
        ) { [processor] _ in processor.sweep() }
        sweeps.withLock { $0 = task }
        return address
    }

    /// Makes a server and starts it. Whatever was begun has ended when this fails.
    package static func started(
        _ configuration: NameServerConfiguration, logger: Logger
    ) async throws -> (server: NameServer, address: SocketAddress) {
        let server = try NameServer(configuration, logger: logger)
        do {
            return (server, try await server.start())
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Closes every connection and returns when what was to be written is. A second call does
    /// nothing.
    public func stop() async {
        sweeps.withLock { $0 }?.cancel()
        await server.stop()
        await processor.stop()
        await client.close()
        try? await ownGroup?.shutdownGracefully()
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool {
        address.ipAddress.map { $0.hasPrefix("127.") || $0 == "::1" } ?? true
    }
}

extension LowestIDChange {
    /// Tells each recipient, and waits for none.
    func send(with client: RemotingClient, _ logger: Logger) {
        var fields: HeaderFields = [
            "minBrokerId": "\(lowestID)", "minBrokerAddr": lowestAddress,
        ]
        if let goneAddress { fields.append("offlineBrokerAddr", goneAddress) }
        if let replicationAddress { fields.append("haBrokerAddr", replicationAddress) }
        let command = RemotingCommand.request(.notifyMinBrokerIdChange, fields: fields)
        for recipient in recipients {
            Task {
                do throws(RemotingError) {
                    try await client.invokeOneWay(command, on: recipient)
                } catch {
                    logger.warning("a broker was not told of a change: \(error)")
                }
            }
        }
    }
}
