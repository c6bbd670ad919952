// A connection that sends what it is given, byte for byte, and keeps the frames that come.

import ApusFormat
import ApusRemoting
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// One end of a connection of the loopback.
final class Wire: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private struct Come {
        var stream = CommandStream()
        var commands: [RemotingCommand] = []
    }
    private let come = Mutex(Come())
    private let open = Mutex<(any Channel)?>(nil)

    struct NoAnswer: Error { let opaque: Int32 }

    static func connect(port: Int) async throws -> Wire {
        let wire = Wire()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(wire)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        wire.open.withLock { $0 = channel }
        return wire
    }

    /// Our port of this connection.
    var port: Int32 { Int32(clamping: open.withLock { $0 }?.localAddress?.port ?? 0) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        come.withLock { come in
            do { try come.stream.take(bytes.rawSpan, into: &come.commands) } catch {
                Issue.record("what came is no frame: \(error)")
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func send(_ frame: [UInt8]) async throws {
        try await open.withLock { $0 }?.writeAndFlush(ByteBuffer(bytes: frame)).get()
    }

    /// Takes the answer to the request with this number out of what has come, and waits for it.
    func answer(to opaque: Int32) async throws -> RemotingCommand {
        try await first { $0.isResponse && $0.opaque == opaque }
            ?? {
                throw NoAnswer(opaque: opaque)
            }()
    }

    /// What the server asks: takes the first that is like this one, and waits for it; nil when
    /// none comes.
    func request(like other: RemotingCommand) async throws -> RemotingCommand? {
        try await first {
            !$0.isResponse && $0.code == other.code && $0.flags == other.flags
                && Set($0.fields.all) == Set(other.fields.all) && $0.body == other.body
        }
    }

    /// What the server has asked and nobody took.
    var requests: [RemotingCommand] {
        come.withLock { $0.commands.filter { !$0.isResponse } }
    }

    private func first(
        _ isWanted: (RemotingCommand) -> Bool
    ) async throws -> RemotingCommand? {
        for _ in 0..<10_000 {
            let found = come.withLock { come in
                come.commands.firstIndex(where: isWanted).map { come.commands.remove(at: $0) }
            }
            if let found { return found }
            try await Task.sleep(for: .milliseconds(1))
        }
        return nil
    }

    func close() async { try? await open.withLock { $0 }?.close() }
}
