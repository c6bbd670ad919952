// What goes wrong on connections, and what it must not touch.

import ApusFormat
import ApusRemoting
import NIOPosix
import Synchronization
import Testing

@Suite("connections that fail", .timeLimit(.minutes(2))) struct FailureTests {
    @Test("a malformed frame closes its connection, says why in the log, and touches no other")
    func malformed() async throws {
        let log = KeptLog()
        let frames: [[UInt8]] = [
            Samples.number(100 << 20), Samples.frame("{\"code\":}"),
            Samples.frame("{}", serialization: 9), Samples.number(3),
            Array("GET / HTTP/1.1\r\n\r\n".utf8),
        ]
        try await withServer(TestProcessor.echo, logger: log.logger) { address, port, _ in
            try await withClient { client in
                _ = try await client.invoke(.request(.heartBeat), on: address)
                let connection = try await client.connection(to: address)
                for frame in frames {
                    let peer = try await RawPeer.connect(port: port)
                    // What came before the frame is answered still.
                    try await peer.send(RemotingCommand.request(.heartBeat).frame + frame)
                    #expect(await eventually { peer.isClosed }, "\(frame)")
                    #expect((try? RemotingCommand(decoding: peer.bytes.rawSpan)) != nil)
                }
                #expect(connection.isOpen)
                _ = try await client.invoke(.request(.heartBeat), on: address)
            }
        }
        let words = ["above 16777216", "no JSON at byte 8", "serialisation 9", "too short"]
        for words in words { #expect(log.text.contains(words), "\(words)") }
    }

    @Test("a request that is not answered fails in time, and a later answer goes nowhere")
    func timeout() async throws {
        let processor = TestProcessor { request, connection in
            let key = request.replyKey
            if request.code == .heartBeat {
                connection.respond(to: key, Response(.success))
            }
        }
        try await withServer(processor) { address, _, _ in
            try await withClient { client in
                let began = ContinuousClock.now
                do throws(RemotingError) {
                    _ = try await client.invoke(
                        .request(.pullMessage), on: address, timeout: .milliseconds(80))
                    Issue.record("answered")
                } catch {
                    #expect(
                        error
                            == .timedOut(
                                address: address, code: .pullMessage, after: .milliseconds(80)))
                }
                #expect(ContinuousClock.now - began >= .milliseconds(80))
                processor.latest?.respond(
                    to: ReplyKey(opaque: 1, serialization: .json, isOneWay: false),
                    Response(.success))
                _ = try await client.invoke(.request(.heartBeat), on: address)
            }
        }
    }

    @Test("shorter timeouts behind longer ones are over first")
    func severalTimeouts() async throws {
        try await withServer(TestProcessor { _, _ in }) { address, _, _ in
            try await withClient { client in
                let connection = try await client.connection(to: address)
                let over = Mutex([Int]())
                for timeout in [1600, 100, 800, 400] {
                    connection.invoke(
                        .request(.pullMessage), timeout: .milliseconds(timeout)
                    ) { _ in over.withLock { $0.append(timeout) } }
                }
                #expect(await eventually { over.withLock { $0.count } == 4 })
                #expect(over.withLock { $0 } == [100, 400, 800, 1600])
            }
        }
    }

    @Test(
        "what waits on a connection that breaks fails at once, and the next request connects again")
    func reconnects() async throws {
        let processor = TestProcessor { request, connection in
            if request.code == .pullMessage {
                connection.close(reason: "a test")
            } else {
                connection.respond(to: request.replyKey, Response(.success))
            }
        }
        try await withServer(processor) { address, _, _ in
            try await withClient { client in
                for _ in 0..<3 {
                    _ = try await client.invoke(.request(.heartBeat), on: address)
                    do throws(RemotingError) {
                        _ = try await client.invoke(
                            .request(.pullMessage), on: address, timeout: .seconds(60))
                        Issue.record("answered")
                    } catch {
                        guard case .connectionClosed(address, _) = error else {
                            Issue.record("\(error)")
                            continue
                        }
                    }
                    #expect(await eventually { processor.opened == processor.closed })
                }
                #expect(processor.opened == 3)
            }
        }
    }

    @Test("no server, no address, a closed client: each is an error that names the address")
    func noServer() async throws {
        var address = ""
        try await withServer(NoRequests()) { free, _, _ in address = free }
        try await withClient { client in
            await #expect(throws: RemotingError.self) {
                try await client.invoke(.request(.heartBeat), on: address)
            }
            for text in ["", "host", "host:", "host:0", "host:70000", ":80"] {
                await #expect(throws: RemotingError.badAddress(text)) {
                    try await client.invoke(.request(.heartBeat), on: text)
                }
            }
            await client.close()
            await #expect(throws: RemotingError.closed) {
                try await client.invoke(.request(.heartBeat), on: address)
            }
        }
    }

    @Test("a server reads no more from a peer that does not read, and loses nothing of it")
    func backpressure() async throws {
        let count: Int32 = 400
        let processor = TestProcessor { request, connection in
            connection.respond(
                to: request.replyKey,
                Response(.success, body: [UInt8](repeating: 7, count: 256 << 10)))
        }
        try await withServer(processor) { _, port, _ in
            let peer = try await RawPeer.connect(port: port, reads: false)
            // Far more than sockets and marks hold: what is asked for is 100 MiB.
            var size = 0
            for opaque in 1...count {
                var command = RemotingCommand.request(.pullMessage, body: [1, 2, 3])
                command.opaque = opaque
                peer.post(command.frame)
                let answer = command.response(.success, body: [UInt8](repeating: 7, count: 262_144))
                size += answer.frame.count
            }
            #expect(await eventually { processor.requests > 0 })
            var before = -1
            while processor.requests != before {
                before = processor.requests
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(before < count / 2, "\(before)")
            #expect((processor.latest?.outboundByteCount ?? .max) < 4 << 20)
            try await peer.startReading()
            #expect(await eventually { peer.bytes.count >= size })
            #expect(peer.bytes.count == size)
            #expect(processor.requests == count)
        }
    }

    @Test("a connection on which no frame comes whole is closed")
    func noFirstFrame() async throws {
        var configuration = RemotingConfiguration()
        configuration.firstFrameTimeout = .milliseconds(200)
        let frame = RemotingCommand.request(.heartBeat).frame
        try await withServer(TestProcessor.echo, configuration) { _, port, server in
            let silent = try await RawPeer.connect(port: port)
            let slow = try await RawPeer.connect(port: port)
            slow.post(Array(frame.prefix(10)))
            #expect(await eventually { silent.isClosed && slow.isClosed })
            #expect(await eventually { server.connectionCount == 0 })
        }
    }

    @Test("an idle connection is closed, and one on which something comes is not")
    func idle() async throws {
        var configuration = RemotingConfiguration()
        configuration.idleTimeout = .seconds(2)
        let frame = RemotingCommand.request(.heartBeat).frame
        try await withServer(TestProcessor.echo, configuration) { _, port, _ in
            let peer = try await RawPeer.connect(port: port)
            var longest = Duration.zero
            var last = ContinuousClock.now
            for _ in 0..<10 {
                peer.post(frame)
                try await Task.sleep(for: .milliseconds(250))
                longest = max(longest, ContinuousClock.now - last)
                last = .now
            }
            // On a machine that has no time for the test the connection may have been idle.
            #expect(!peer.isClosed || longest > .milliseconds(700))
            #expect(await eventually { peer.isClosed })
        }
    }

    @Test("a connection beyond the limit is closed, and one after another was closed is not")
    func limit() async throws {
        var configuration = RemotingConfiguration()
        configuration.maximumConnections = 2
        try await withServer(TestProcessor.echo, configuration) { _, port, server in
            let first = try await RawPeer.connect(port: port)
            let second = try await RawPeer.connect(port: port)
            #expect(await eventually { server.connectionCount == 2 })
            let third = try await RawPeer.connect(port: port)
            #expect(await eventually { third.isClosed })
            await first.close()
            #expect(await eventually { server.connectionCount == 1 })
            let fourth = try await RawPeer.connect(port: port)
            try await fourth.send(RemotingCommand.request(.heartBeat).frame)
            #expect(await eventually { !fourth.bytes.isEmpty })
            #expect(!second.isClosed)
        }
    }

    @Test("a client's connection stays open while it has a question open, and is closed idle")
    func clientIdle() async throws {
        var configuration = RemotingConfiguration()
        configuration.idleTimeout = .milliseconds(500)
        let client = RemotingClient(
            configuration: configuration, logger: .quiet,
            group: MultiThreadedEventLoopGroup.singleton)
        let processor = TestProcessor { request, connection in
            let key = request.replyKey
            Task {
                try await Task.sleep(for: .milliseconds(1700))
                connection.respond(to: key, Response(.pullNotFound))
            }
        }
        try await withServer(processor) { address, _, _ in
            let answer = try await client.invoke(
                .request(.pullMessage), on: address, timeout: .seconds(30))
            #expect(answer.responseCode == .pullNotFound)
            #expect(await eventually { processor.closed == 1 })
        }
        await client.close()
    }
}
