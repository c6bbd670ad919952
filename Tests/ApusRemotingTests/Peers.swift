// What the tests of connections talk to: processors, a server with its loops, a peer that sends any
// bytes, and a log that is kept.

import ApusRemoting
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Answers by a closure, and counts.
final class TestProcessor: RequestProcessor {
    private let answer: @Sendable (borrowing Request, Connection) -> Void
    private let counts = Mutex((requests: 0, opened: 0, closed: 0))
    private let connections = Mutex([Connection]())

    init(_ answer: @escaping @Sendable (borrowing Request, Connection) -> Void) {
        self.answer = answer
    }

    /// Answers with what was asked: fields and body.
    static var echo: TestProcessor {
        TestProcessor { request, connection in
            let command = request.command
            connection.respond(
                to: request.replyKey,
                Response(.success, remark: "echo", fields: command.fields, body: command.body))
        }
    }

    var requests: Int { counts.withLock { $0.requests } }
    var opened: Int { counts.withLock { $0.opened } }
    var closed: Int { counts.withLock { $0.closed } }
    var latest: Connection? { connections.withLock { $0.last } }

    func process(_ request: borrowing Request, on connection: Connection) {
        counts.withLock { $0.requests += 1 }
        answer(request, connection)
    }

    func connectionOpened(_ connection: Connection) {
        counts.withLock { $0.opened += 1 }
        connections.withLock { $0.append(connection) }
    }

    func connectionClosed(_ connection: Connection) { counts.withLock { $0.closed += 1 } }
}

/// A server on a free port, for the time of `body`.
func withServer(
    _ processor: any RequestProcessor, _ configuration: RemotingConfiguration = .init(),
    logger: Logger = .quiet,
    _ body: (_ address: String, _ port: Int, RemotingServer) async throws -> Void
) async throws {
    let server = RemotingServer(
        configuration: configuration, processor: processor, logger: logger,
        group: MultiThreadedEventLoopGroup.singleton)
    let address = try await server.start(host: "127.0.0.1", port: 0)
    let port = address.port ?? 0
    do {
        try await body("127.0.0.1:\(port)", port, server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// A client that is closed in the end.
func withClient(
    _ configuration: RemotingConfiguration = .init(),
    requests: any RequestProcessor = NoRequests(),
    _ body: (RemotingClient) async throws -> Void
) async throws {
    let client = RemotingClient(
        configuration: configuration, requests: requests, logger: .quiet,
        group: MultiThreadedEventLoopGroup.singleton)
    do {
        try await body(client)
    } catch {
        await client.close()
        throw error
    }
    await client.close()
}

/// Sends any bytes, and keeps what comes.
final class RawPeer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let received = Mutex([UInt8]())
    private let channel = Mutex<(any Channel)?>(nil)

    static func connect(port: Int, reads: Bool = true) async throws -> RawPeer {
        let peer = RawPeer()
        let made = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(peer)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        peer.channel.withLock { $0 = made }
        return peer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        received.withLock { $0.append(contentsOf: bytes) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private var open: (any Channel)? { channel.withLock { $0 } }
    var bytes: [UInt8] { received.withLock { $0 } }
    var isClosed: Bool { open?.isActive == false }

    func send(_ bytes: [UInt8]) async throws {
        try await open?.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// The same without waiting until all is with the kernel.
    func post(_ bytes: [UInt8]) { open?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func startReading() async throws { try await open?.setOption(.autoRead, value: true).get() }

    func close() async { try? await open?.close() }
}

/// Waits until `condition` holds, ten seconds at most.
func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    for _ in 0..<2000 {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return false
}

extension Logger {
    static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
}

/// A log that tests look into.
final class KeptLog: Sendable {
    private let lines = Mutex([String]())

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger { Logger(label: "kept") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: KeptLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let words = "\(event.level) \(event.message) \(event.metadata ?? [:])"
            log.lines.withLock { $0.append(words) }
        }
    }
}
