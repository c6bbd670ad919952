// The handler of a connection, stepped by hand: flushes, backpressure, order.

import ApusFormat
import CAllocationCounter
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import ApusRemoting

/// A handler in a channel without a socket.
private final class Bench {
    let channel = EmbeddedChannel()
    let processor: TestProcessor

    init(
        _ configuration: RemotingConfiguration = .init(), isServer: Bool = true,
        _ answer: @escaping @Sendable (borrowing Request, Connection) -> Void
    ) throws {
        processor = TestProcessor(answer)
        try channel.pipeline.syncOperations.addHandler(
            FrameHandler(isServer: isServer, configuration, processor, .quiet))
        try channel.connect(to: SocketAddress(ipAddress: "10.0.0.7", port: 4711)).wait()
    }

    /// A channel holds on to its handlers, and they to it, until it is closed.
    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

    /// One read of the channel.
    func read(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// What was flushed, one array for each write.
    func written() throws -> [[UInt8]] {
        var all: [[UInt8]] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            all.append(Array(buffer.readableBytesView))
        }
        return all
    }
}

private func request(_ opaque: Int32, body: [UInt8] = []) -> [UInt8] {
    var command = RemotingCommand.request(.sendMessage, body: body)
    command.opaque = opaque
    return command.frame
}

@Suite("the handler of a connection") struct FrameHandlerTests {
    @Test("all answers of one read are one write, in order")
    func oneWrite() throws {
        let bench = try Bench { request, connection in
            connection.respond(to: request.replyKey, .success) { $0.append("a", 1) }
        }
        try bench.read((1...20).flatMap { request($0) })
        let writes = try bench.written()
        #expect(writes.count == 1)
        #expect(try opaques(in: writes) == Array(1...20))
    }

    @Test("answers between reads are one write as well, however many there are")
    func oneDrain() throws {
        let bench = try Bench { _, _ in }
        try bench.read(request(1))
        let connection = try #require(bench.processor.latest)
        for opaque: Int32 in 1...10 {
            connection.respond(
                to: ReplyKey(opaque: opaque, serialization: .binary, isOneWay: false),
                Response(.success))
        }
        #expect(try bench.written().isEmpty)
        bench.channel.embeddedEventLoop.run()
        let writes = try bench.written()
        #expect(writes.count == 1)
        #expect(try opaques(in: writes) == Array(1...10))
    }

    @Test("above the mark nothing is parsed until the peer has taken what waits")
    func backpressure() throws {
        var configuration = RemotingConfiguration()
        configuration.writeMarks = 500...1000
        let bench = try Bench(configuration) { request, connection in
            connection.respond(
                to: request.replyKey,
                Response(.success, body: [UInt8](repeating: 7, count: 300)))
        }
        // The peer takes nothing from now on.
        bench.channel.isWritable = false
        try bench.read((1...50).flatMap { request($0) })
        let parsed = bench.processor.requests
        #expect(parsed < 5)
        #expect(try bench.written().isEmpty)
        // What was on its way is held as well.
        try bench.read((51...60).flatMap { request($0) })
        #expect(bench.processor.requests == parsed)
        bench.channel.isWritable = true
        bench.channel.pipeline.fireChannelWritabilityChanged()
        #expect(bench.processor.requests == 60)
        #expect(try opaques(in: bench.written()) == Array(1...60))
    }

    @Test("a connection whose peer reads nothing of what it asked for is closed in the end")
    func outboundBound() throws {
        var configuration = RemotingConfiguration()
        configuration.maximumOutboundBytes = 10_000
        let bench = try Bench(configuration) { _, _ in }
        try bench.read(request(1))
        bench.channel.isWritable = false
        let connection = try #require(bench.processor.latest)
        for opaque: Int32 in 1...100 where connection.isOpen {
            connection.respond(
                to: ReplyKey(opaque: opaque, serialization: .json, isOneWay: false),
                Response(.success, body: [UInt8](repeating: 7, count: 300)))
        }
        #expect(!connection.isOpen)
        #expect(connection.reason.contains("the peer does not read"))
        bench.channel.embeddedEventLoop.run()
        #expect(!bench.channel.isActive)
        #expect(bench.processor.closed == 1)
    }

    @Test("what was answered goes out before a close, though much waits already")
    func closeAfterAnswers() throws {
        let bench = try Bench { request, connection in
            connection.respond(to: request.replyKey, Response(.success))
        }
        bench.channel.isWritable = false
        try bench.read(request(1) + request(2))
        #expect(try bench.written().isEmpty)
        try #require(bench.processor.latest).close(reason: "a test")
        bench.channel.embeddedEventLoop.run()
        #expect(try opaques(in: bench.written()) == [1, 2])
        #expect(!bench.channel.isActive)
    }

    @Test("a connection that is gone keeps nothing of what its peer did not read")
    func goneConnection() throws {
        let bench = try Bench { request, connection in
            connection.respond(to: request.replyKey, Response(.success))
        }
        bench.channel.isWritable = false
        try bench.read(request(1))
        let connection = try #require(bench.processor.latest)
        #expect(connection.outboundByteCount > 0)
        bench.channel.close(promise: nil)
        bench.channel.embeddedEventLoop.run()
        #expect(bench.processor.closed == 1)
        #expect(connection.outboundByteCount == 0)
    }

    @Test("the memory of a large answer is not kept for the next one")
    func largeAnswer() throws {
        var outbound = Outbound()
        outbound.append(.request(.sendMessage, body: [UInt8](repeating: 7, count: 1 << 20)))
        #expect(outbound.keptByteCount >= 1 << 20)
        for _ in 0..<3 {
            let ready = outbound.take()
            outbound.giveBack(try #require(ready))
            // 128 KiB to write into, and 64 for the channel.
            #expect(outbound.keptByteCount <= 192 << 10)
            outbound.append(.request(.sendMessage, body: [7]))
        }
    }

    @Test("a client reads answers while what it asks waits, or both ends could wait for ever")
    func clientReads() throws {
        let bench = try Bench(isServer: false) { _, _ in }
        let connection = try #require(bench.processor.latest)
        bench.channel.isWritable = false
        let answers = Mutex(0)
        for opaque: Int32 in 1...3 {
            connection.invoke(.request(.pullMessage), timeout: .seconds(60)) { _ in
                answers.withLock { $0 += 1 }
            }
            var answer = RemotingCommand(code: 0, opaque: opaque)
            answer.isResponse = true
            try bench.read(answer.frame)
        }
        #expect(answers.withLock { $0 } == 3)
    }

    @Test("a response that nobody waits for is not copied")
    func unaskedResponse() throws {
        guard callocationcounter_thread() >= 0 else { return }
        let bench = try Bench { _, _ in }
        var response = RemotingCommand(code: 0, flags: 1)
        for number in 0..<100 {
            response.fields.append("name\(number)", String(repeating: "v", count: 100))
        }
        let frame = response.frame
        try bench.read(frame)
        let before = callocationcounter_thread()
        try bench.read(frame)
        #expect(callocationcounter_thread() - before < 100)
        #expect(bench.processor.requests == 0)
    }

    @Test("every split of a request in two reads gives one answer", arguments: [0, 1])
    func splits(serialization: UInt8) throws {
        var command = RemotingCommand.request(.sendMessage, fields: ["a": "\u{1}x"], body: [1, 2])
        command.serialization = serialization == 0 ? .json : .binary
        let frame = command.frame
        for cut in 0...frame.count {
            let bench = try Bench { request, connection in
                connection.respond(
                    to: request.replyKey, Response(.success, fields: request.command.fields))
            }
            try bench.read(Array(frame[..<cut]))
            try bench.read(Array(frame[cut...]))
            let answers = try bench.written().map { try RemotingCommand(decoding: $0.rawSpan) }
            #expect(answers.map(\.fields) == [command.fields], "cut at \(cut)")
        }
    }

    @Test("nothing behind a malformed frame is taken, in the same read or a later one")
    func afterMalformed() throws {
        let bench = try Bench { request, connection in
            connection.respond(to: request.replyKey, Response(.success))
        }
        try bench.read(request(1) + Samples.number(-1) + request(2))
        try bench.read(request(3))
        bench.channel.embeddedEventLoop.run()
        #expect(try opaques(in: bench.written()) == [1])
        #expect(bench.processor.requests == 1)
        #expect(!bench.channel.isActive)
    }

    @Test("a body that is written piece by piece has its length in the frame")
    func bodyPieces() throws {
        let bench = try Bench { request, connection in
            connection.respond(to: request.replyKey, .success, remark: "r\"") { fields in
                fields.append("minOffset", Int64.min)
                fields.append("text", "a\u{1}")
                fields.append("isIt", true)
            } body: { body in
                body.append([1, 2, 3])
                body.append([4])
            }
        }
        for serialization in HeaderSerialization.allCases {
            var command = RemotingCommand.request(.pullMessage)
            command.serialization = serialization
            try bench.read(command.frame)
            let bytes = try #require(try bench.written().first)
            let answer = try RemotingCommand(decoding: bytes.rawSpan)
            #expect(
                answer.fields == ["minOffset": "\(Int64.min)", "text": "a\u{1}", "isIt": "true"])
            #expect(answer.body == [1, 2, 3, 4])
            #expect(answer.remark == "r\"")
            #expect(answer.serialization == serialization)
        }
    }

    @Test("a stranger's frames are held to a bound of their own until it is trusted")
    func strangers() throws {
        var configuration = RemotingConfiguration()
        configuration.strangerFrameBytes = 1000
        func bench(trusting opaque: Int32) throws -> Bench {
            try Bench(configuration) { request, connection in
                if request.opaque == opaque { connection.trust() }
                connection.respond(to: request.replyKey, Response(.success))
            }
        }
        let long = [UInt8](repeating: 7, count: 2000)
        let stranger = try bench(trusting: 0)
        try stranger.read(request(1, body: Array(long[..<500])) + request(2, body: long))
        stranger.channel.embeddedEventLoop.run()
        #expect(try opaques(in: stranger.written()) == [1])
        #expect(!stranger.channel.isActive)

        // At once, in the same read.
        let known = try bench(trusting: 1)
        try known.read(request(1) + request(2, body: long))
        try known.read(request(3, body: long))
        #expect(try opaques(in: known.written()) == [1, 2, 3])
        #expect(known.channel.isActive)
    }

    /// What connects hears of it by way of another thread, and may come late.
    @Test("who asks for a client's connection when its channel is gone gets the one that has ended")
    func gone() throws {
        let bench = try Bench(isServer: false) { _, _ in }
        let handler = try bench.channel.pipeline.syncOperations.handler(type: FrameHandler.self)
        let before = handler.opened(bench.channel)
        #expect(before.isOpen)
        try bench.channel.close().wait()
        let after = handler.opened(bench.channel)
        #expect(after === before && !after.isOpen)
        let isTold = Mutex(false)
        after.onClose { isTold.withLock { $0 = true } }
        #expect(isTold.withLock { $0 })
        #expect(bench.processor.opened == 1 && bench.processor.closed == 1)
    }

    @Test("a connection that has ended is let go of with its channel")
    func letGo() throws {
        weak var seen: Connection?
        func connect() throws {
            let channel = EmbeddedChannel()
            let handler = FrameHandler(isServer: false, .init(), NoRequests(), .quiet)
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.connect(to: SocketAddress(ipAddress: "10.0.0.7", port: 4711)).wait()
            let connection = handler.opened(channel)
            seen = connection
            #expect(connection.isOpen)
            try channel.close().wait()
            channel.embeddedEventLoop.run()
        }
        try connect()
        #expect(seen == nil)
    }

    /// The numbers of the frames in all writes.
    private func opaques(in writes: [[UInt8]]) throws -> [Int32] {
        let limits = HeaderLimits()
        var decoder = FrameDecoder(limits: limits)
        var index = HeaderIndex()
        var found: [Int32] = []
        let bytes = writes.flatMap { $0 }
        _ = try decoder.take(bytes.rawSpan) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, limits)
            found.append(index.numbers.opaque)
            return true
        }
        return found
    }
}
