// A client: one connection to each address, made when it is first needed and again when it is gone.

public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// Asks servers. Its functions may be called from any thread or task.
public final class RemotingClient: Sendable {
    private let configuration: RemotingConfiguration
    private let processor: any RequestProcessor
    /// What requests are signed with.
    private let signer: (credentials: SessionCredentials, key: SigningKey)?
    private let logger: Logger
    private let group: any EventLoopGroup
    private let state = Mutex(State())
    /// Nil without TLS; an error fails all connections.
    private let handshakes: Result<ClientHandshakes, TLSError>?

    private struct State {
        var connections: [String: EventLoopFuture<Connection>] = [:]
        var isClosed = false
    }

    /// `requests` answers what servers ask. With `credentials` every request is signed. `group`
    /// runs the connections; the caller shuts it down after `close`.
    public init(
        configuration: RemotingConfiguration = RemotingConfiguration(),
        requests: any RequestProcessor = NoRequests(), credentials: SessionCredentials? = nil,
        logger: Logger, group: any EventLoopGroup
    ) {
        self.configuration = configuration
        processor = requests
        signer = credentials.map { ($0, SigningKey($0.secretKey)) }
        self.logger = logger
        self.group = group
        handshakes = configuration.clientTLS.map { settings in
            Result { () throws(TLSError) in try ClientHandshakes(settings) }
        }
    }

    /// Sends a request to `address` (`host:port`) and waits for the response, whatever its code is.
    public func invoke(
        _ command: RemotingCommand, on address: String, timeout: Duration = .seconds(3)
    ) async throws(RemotingError) -> RemotingCommand {
        let command = signed(command)
        for _ in 0..<3 {
            let connection = try await connection(to: address)
            let result: InvocationResult? = await withCheckedContinuation { continuation in
                let isSent = connection.begin(command, timeout: timeout) {
                    continuation.resume(returning: $0)
                }
                if !isSent { continuation.resume(returning: nil) }
            }
            // Closed between the two lines above, and nothing was sent: another connection will do.
            if let result { return try result.get() }
            if let refusal = connection.refusal { throw refusal }
        }
        throw .connectFailed(address: address, reason: "it closes what is opened")
    }

    /// Sends a request to which no response comes.
    public func invokeOneWay(
        _ command: RemotingCommand, on address: String
    ) async throws(RemotingError) {
        var command = signed(command)
        command.isOneWay = true
        try await connection(to: address).send(command)
    }

    /// Why no connection can be encrypted as it was asked for: files that cannot be used.
    public var problem: TLSError? {
        if case .failure(let error) = handshakes { error } else { nil }
    }

    /// Whether requests are signed: then they go by `invoke` alone.
    public var isSigning: Bool { signer != nil }

    /// The command with its signature, if requests are signed.
    public func signed(_ command: RemotingCommand) -> RemotingCommand {
        guard let signer else { return command }
        var command = command
        command.sign(signer.credentials, signer.key)
        return command
    }

    /// The connection to `address`, made if there is none that is open.
    public func connection(to address: String) async throws(RemotingError) -> Connection {
        for _ in 0..<3 {
            let future = try future(for: address)
            let result: Result<Connection, RemotingError>
            do {
                result = .success(try await future.get())
            } catch let error as RemotingError {
                result = .failure(error)
            } catch {
                result = .failure(.connectFailed(address: address, reason: "\(error)"))
            }
            let connection = try result.get()
            if connection.isOpen { return connection }
            forget(address, future)
            if let refusal = connection.refusal { throw refusal }
        }
        throw .connectFailed(address: address, reason: "it closes what is opened")
    }

    /// The same for one who does not suspend: `completion` is called once, on an event loop or
    /// here, at the latest when the time is over. What is being connected then goes on, for others.
    public func connection(
        to address: String, within time: Duration,
        completion: @escaping @Sendable (Result<Connection, RemotingError>) -> Void
    ) {
        let future: EventLoopFuture<Connection>
        do throws(RemotingError) { future = try self.future(for: address) } catch {
            return completion(.failure(error))
        }
        let isDone = Mutex(false)
        let finish: @Sendable (Result<Connection, RemotingError>) -> Void = { result in
            let isFirst = isDone.withLock { isDone in
                defer { isDone = true }
                return !isDone
            }
            if isFirst { completion(result) }
        }
        let timer = future.eventLoop.scheduleTask(in: TimeAmount(time)) {
            finish(
                .failure(.connectFailed(address: address, reason: "not within \(time)")))
        }
        future.whenComplete { result in
            timer.cancel()
            switch result {
            case .success(let connection):
                if !connection.isOpen { self.forget(address, future) }
                finish(.success(connection))
            case .failure(let error as RemotingError): finish(.failure(error))
            case .failure(let error):
                finish(.failure(.connectFailed(address: address, reason: "\(error)")))
            }
        }
    }

    /// Closes the connection to `address`, if there is one; the next request makes another. For a
    /// peer that is silent where it would have answered.
    public func disconnect(from address: String, reason: String) {
        let future = state.withLock { $0.connections.removeValue(forKey: address) }
        future?.whenSuccess { $0.close(reason: reason) }
    }

    private func future(for address: String) throws(RemotingError) -> EventLoopFuture<Connection> {
        guard let (host, port) = Self.split(address) else { throw .badAddress(address) }
        let (future, promise) = try state.withLock { (state) throws(RemotingError) in
            if state.isClosed { throw .closed }
            if let known = state.connections[address] {
                return (known, EventLoopPromise<Connection>?.none)
            }
            let promise = group.next().makePromise(of: Connection.self)
            state.connections[address] = promise.futureResult
            return (promise.futureResult, promise)
        }
        guard let promise else { return future }
        connect(address, host, port).whenComplete { result in
            switch result {
            case .success(let connection):
                connection.onClose { self.forget(address, future) }
                promise.succeed(connection)
                if self.state.withLock({ $0.isClosed }) {
                    connection.close(reason: "the client is closed")
                }
            case .failure(let error):
                self.forget(address, future)
                let failure: RemotingError =
                    if let error = error as? TLSError {
                        .notSecured(address: address, error)
                    } else {
                        .connectFailed(address: address, reason: "\(error)")
                    }
                promise.fail(failure)
            }
        }
        return future
    }

    private func forget(_ address: String, _ future: EventLoopFuture<Connection>) {
        state.withLock { state in
            if state.connections[address] === future { state.connections[address] = nil }
        }
    }

    private func connect(
        _ address: String, _ host: String, _ port: Int
    ) -> EventLoopFuture<Connection> {
        let handshakes: ClientHandshakes?
        do throws(TLSError) { handshakes = try self.handshakes?.get() } catch {
            return group.next().makeFailedFuture(error)
        }
        return ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10)
            )
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(configuration.writeMarks))
            .channelInitializer { [configuration, processor, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try handshakes?.begin(on: channel, host: host)
                    try channel.pipeline.syncOperations.addHandler(
                        FrameHandler(isServer: false, configuration, processor, logger))
                }
            }
            .connect(host: host, port: port)
            .flatMap { [configuration] channel in
                let time = TimeAmount(configuration.connectTimeout)
                return handshakes?.finished(on: channel, within: time).map { channel }
                    ?? channel.eventLoop.makeSucceededFuture(channel)
            }
            .flatMapThrowing { channel in
                try channel.pipeline.syncOperations.handler(type: FrameHandler.self)
                    .opened(channel)
            }
    }

    /// `host:port`, or `[IPv6]:port`.
    private static func split(_ address: String) -> (host: String, port: Int)? {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...]), port > 0
        else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), Int(port))
    }

    /// Closes all connections; requests that wait fail.
    public func close() async {
        let futures = state.withLock { state in
            state.isClosed = true
            defer { state.connections = [:] }
            return Array(state.connections.values)
        }
        for future in futures {
            guard let connection = try? await future.get() else { continue }
            connection.close(reason: "the client is closed")
            await withCheckedContinuation { continuation in
                connection.onClose { continuation.resume() }
            }
        }
    }
}
