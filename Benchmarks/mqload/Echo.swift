// The roofline: the same sizes over the same number of connections and event loops, and nothing
// behind them. The server answers each frame with one of a fixed size; neither end reads a header.

import ApusFormat
import ApusRemoting
import NIOCore
import NIOPosix

/// Cuts bytes into frames by their lengths alone.
struct FrameCounter {
    /// Bytes of the frame under way that have not come.
    private var missing = 0
    /// Of its length, when not all of that has come.
    private var length: [UInt8] = []

    /// How many frames `bytes` complete.
    mutating func take(_ bytes: RawSpan) -> Int {
        var count = 0
        var place = 0
        let end = bytes.byteCount
        while place < end {
            if missing > 0 {
                let step = min(missing, end - place)
                missing -= step
                place += step
                if missing == 0 { count += 1 }
            } else if length.isEmpty, end - place >= 4 {
                missing = Int(bytes.loadBigEndian(Int32.self, at: place))
                place += 4
            } else {
                length.append(bytes.loadBigEndian(UInt8.self, at: place))
                place += 1
                guard length.count == 4 else { continue }
                missing = Int(length.span.bytes.loadBigEndian(Int32.self, at: 0))
                length.removeAll(keepingCapacity: true)
            }
        }
        return count
    }
}

extension ByteBuffer {
    /// A frame of `byteCount` bytes, its length included, filled with zeros.
    static func frame(byteCount: Int) -> ByteBuffer {
        let count = max(5, byteCount)
        var frame = ByteBuffer()
        frame.writeInteger(Int32(count - 4))
        frame.writeRepeatingByte(0, count: count - 4)
        return frame
    }
}

/// The client's end.
struct EchoConversation: Conversation {
    private var frames = FrameCounter()
    private let frame: ByteBuffer
    /// Slots in the order in which they were asked, which is that of the answers.
    private var asked: [Int]
    private var first = 0
    private var count = 0

    init(byteCount: Int, slots: Int) {
        frame = .frame(byteCount: byteCount)
        asked = Array(repeating: 0, count: slots)
    }

    var slots: Int { asked.count }

    mutating func ask(slot: Int, due: Int64, into out: inout ByteBuffer) {
        asked[(first + count) % asked.count] = slot
        count += 1
        out.writeImmutableBuffer(frame)
    }

    mutating func hear(
        _ bytes: RawSpan, at now: Int64, _ answered: (_ slot: Int, _ answer: Answer) -> Void
    ) throws {
        for _ in 0..<frames.take(bytes) {
            guard count > 0 else { throw BadAnswer("an answer that nobody asked for") }
            answered(asked[first], .messages(1))
            first = (first + 1) % asked.count
            count -= 1
        }
    }
}

/// The server's end.
private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var frames = FrameCounter()
    private let answer: ByteBuffer
    private var out = ByteBuffer()

    init(answer: ByteBuffer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        for _ in 0..<frames.take(buffer.readableBytesSpan) { out.writeImmutableBuffer(answer) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard out.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        out.clear()
    }
}

/// A server that answers frames of any size with frames of one.
struct EchoServer {
    private let group: MultiThreadedEventLoopGroup
    let address: SocketAddress

    static func start(answerByteCount: Int, threads: Int) async throws -> EchoServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let answer = ByteBuffer.frame(byteCount: answerByteCount)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(answer: answer))
                }
            }
            .remotingOptions(RemotingConfiguration())
            .bind(host: "127.0.0.1", port: 0).get()
        guard let address = channel.localAddress else {
            throw BadAnswer("the roofline's server has no address")
        }
        return EchoServer(group: group, address: address)
    }

    /// Closes the connections too, which the clients then see.
    func stop() async throws {
        try await group.shutdownGracefully()
    }
}
