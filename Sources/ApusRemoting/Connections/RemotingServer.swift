// A server: accepts connections and gives each its handler.

public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// Listens, and has a processor answer.
public final class RemotingServer: Sendable {
    private let configuration: RemotingConfiguration
    private let processor: any RequestProcessor
    private let logger: Logger
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    private struct State {
        var listeners: [any Channel] = []
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStopped = false
    }

    /// `group` runs the connections; the caller shuts it down after `stop`.
    public init(
        configuration: RemotingConfiguration = RemotingConfiguration(),
        processor: any RequestProcessor, logger: Logger, group: any EventLoopGroup
    ) {
        self.configuration = configuration
        self.processor = processor
        self.logger = logger
        self.group = group
    }

    /// Connections that are open, those without a frame so far included.
    public var connectionCount: Int { state.withLock { $0.channels.count } }

    /// Begins to listen, and answers where: port 0 takes one that is free. May be called again for
    /// another port. Fails with a `TLSError` when TLS is not to be had as it is configured.
    @discardableResult
    public func start(host: String, port: Int) async throws -> SocketAddress {
        if state.withLock({ $0.isStopped }) { throw RemotingError.closed }
        let handshakes = try ServerHandshakes(configuration.serverTLS)
        if TLSBuild.hasTLS, handshakes == nil, configuration.serverTLS.mode == .permissive {
            logger.notice("no connection is encrypted: tls.server.certPath is not set")
        }
        let bootstrap = ServerBootstrap(group: group)
            .remotingOptions(configuration)
            .childChannelInitializer { self.adopt($0, handshakes) }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        let isStopped = state.withLock { state in
            if !state.isStopped { state.listeners.append(channel) }
            return state.isStopped
        }
        guard !isStopped, let address = channel.localAddress else {
            try? await channel.close()
            throw RemotingError.closed
        }
        return address
    }

    private func adopt(
        _ channel: any Channel, _ handshakes: ServerHandshakes?
    ) -> EventLoopFuture<Void> {
        let key = ObjectIdentifier(channel)
        let isAccepted = state.withLock { state in
            guard !state.isStopped, state.channels.count < configuration.maximumConnections else {
                return false
            }
            state.channels[key] = channel
            return true
        }
        guard isAccepted else {
            logger.warning(
                "connection refused",
                metadata: ["limit": "\(configuration.maximumConnections)"])
            return channel.close()
        }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { $0.channels[key] = nil }
        }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                FrameHandler(isServer: true, configuration, processor, logger, handshakes))
        }
    }

    /// Accepts no more connections; those that are open go on.
    public func stopAccepting() async {
        let listeners = state.withLock { state in
            state.isStopped = true
            defer { state.listeners = [] }
            return state.listeners
        }
        // A listener that is closed already is as good.
        for listener in listeners { try? await listener.close() }
    }

    /// Accepts no more connections and closes those that are open, behind what was answered.
    public func stop() async {
        await stopAccepting()
        let channels = state.withLock { Array($0.channels.values) }
        for channel in channels {
            channel.eventLoop.execute {
                let handler = try? channel.pipeline.syncOperations.handler(type: FrameHandler.self)
                if let handler, let connection = handler.openConnection {
                    connection.close(reason: "the server stops")
                } else {
                    channel.close(promise: nil)
                }
            }
        }
        for channel in channels { try? await channel.closeFuture.get() }
    }
}
