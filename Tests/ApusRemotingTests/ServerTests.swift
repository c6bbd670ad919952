// Servers and clients over loopback.

import ApusFormat
import ApusRemoting
import Foundation
import Synchronization
import Testing

@Suite("servers and clients", .timeLimit(.minutes(2))) struct ServerTests {
    @Test(
        "an answer holds what the processor said, in the request's serialisation",
        arguments: HeaderSerialization.allCases)
    func echo(serialization: HeaderSerialization) async throws {
        try await withServer(TestProcessor.echo) { address, _, _ in
            try await withClient { client in
                var request = RemotingCommand.request(
                    .sendMessage, fields: ["topic": "T\u{1}\"", "queueId": "3"], body: [1, 2, 3])
                request.serialization = serialization
                let response = try await client.invoke(request, on: address)
                #expect(response.responseCode == .success)
                #expect(response.fields == request.fields)
                #expect(response.body == [1, 2, 3])
                #expect(response.remark == "echo")
                #expect(response.serialization == serialization)
                #expect(response.isResponse)
            }
        }
    }

    @Test("a body of many reads arrives as it was sent")
    func large() async throws {
        try await withServer(TestProcessor.echo) { address, _, _ in
            try await withClient { client in
                let body = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
                let response = try await client.invoke(
                    .request(.sendMessage, body: body), on: address, timeout: .seconds(30))
                #expect(response.body == body)
            }
        }
    }

    @Test("many large requests with large answers at once do not wait for one another")
    func largeBothWays() async throws {
        let processor = TestProcessor { request, connection in
            connection.respond(to: request.replyKey, .success) { _ in
            } body: {
                $0.append(request.body)
            }
        }
        try await withServer(processor) { address, _, _ in
            try await withClient { client in
                let connection = try await client.connection(to: address)
                let right = Mutex(0)
                // More than the buffers of both sockets and both marks hold.
                let body = [UInt8](repeating: 7, count: 512 << 10)
                for _ in 0..<100 {
                    connection.invoke(
                        .request(.sendMessage, body: body), timeout: .seconds(60)
                    ) { result in
                        if (try? result.get())?.body.count == body.count {
                            right.withLock { $0 += 1 }
                        }
                    }
                }
                #expect(await eventually { right.withLock { $0 } == 100 })
            }
        }
    }

    @Test("many requests at once on one connection each get their own answer")
    func pairing() async throws {
        try await withServer(TestProcessor.echo) { address, _, _ in
            try await withClient { client in
                try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    for number in 0..<500 {
                        tasks.addTask {
                            let response = try await client.invoke(
                                .request(.sendMessage, fields: ["n": "\(number)"]), on: address,
                                timeout: .seconds(30))
                            return response.fields["n"] == "\(number)"
                        }
                    }
                    for try await isRight in tasks { #expect(isRight) }
                }
            }
        }
    }

    @Test("answers may come later, from many threads at once")
    func lateAnswers() async throws {
        let processor = TestProcessor { request, connection in
            let key = request.replyKey
            let number = request.optionalString("n") ?? ""
            DispatchQueue.global().async {
                connection.respond(to: key, .success) { $0.append("n", number) }
            }
        }
        try await withServer(processor) { address, _, _ in
            try await withClient { client in
                let connection = try await client.connection(to: address)
                let right = Mutex(0)
                let count = 2000
                for number in 0..<count {
                    connection.invoke(
                        .request(.sendMessage, fields: ["n": "\(number)"]), timeout: .seconds(30)
                    ) { result in
                        let isRight = (try? result.get())?.fields["n"] == "\(number)"
                        if isRight { right.withLock { $0 += 1 } }
                    }
                }
                #expect(await eventually { right.withLock { $0 } == count })
            }
        }
    }

    @Test("a one-way request gets no answer, whatever the processor does")
    func oneWay() async throws {
        let processor = TestProcessor.echo
        try await withServer(processor) { _, port, _ in
            let peer = try await RawPeer.connect(port: port)
            var request = RemotingCommand.request(.updateConsumerOffset)
            request.isOneWay = true
            try await peer.send(request.frame)
            var second = RemotingCommand.request(.heartBeat)
            second.opaque = 9
            try await peer.send(second.frame)
            #expect(await eventually { !peer.bytes.isEmpty })
            #expect(processor.requests == 2)
            let only = try RemotingCommand(decoding: peer.bytes.rawSpan)
            #expect(only.opaque == 9)
        }
    }

    @Test("a server asks its client over the connection that the client made")
    func serverAsks() async throws {
        let processor = TestProcessor.echo
        let asked = TestProcessor { request, connection in
            let group = request.optionalString("consumerGroup") ?? ""
            connection.respond(to: request.replyKey, Response(.success, fields: ["was": group]))
        }
        try await withServer(processor) { address, _, _ in
            try await withClient(requests: asked) { client in
                _ = try await client.invoke(.request(.heartBeat), on: address)
                let connection = try #require(processor.latest)
                let answer = try await connection.invoke(
                    .request(.getConsumerRunningInfo, fields: ["consumerGroup": "g"]),
                    timeout: .seconds(5))
                #expect(answer.fields["was"] == "g")
                var notice = RemotingCommand.request(.notifyConsumerIdsChanged)
                notice.isOneWay = true
                connection.send(notice)
                #expect(await eventually { asked.requests == 2 })
            }
        }
    }

    @Test("an unknown code is answered in the words that clients look for")
    func unknownCode() async throws {
        try await withServer(NoRequests()) { address, _, _ in
            try await withClient { client in
                let response = try await client.invoke(.request(RequestCode(4711)), on: address)
                #expect(response.responseCode == .requestCodeNotSupported)
                #expect(response.remark == " request type 4711 not supported")
            }
        }
    }

    @Test("processors hear of each connection once when it opens and once when it closes")
    func openAndClose() async throws {
        let processor = TestProcessor.echo
        try await withServer(processor) { _, port, server in
            let peer = try await RawPeer.connect(port: port)
            try await peer.send(RemotingCommand.request(.heartBeat).frame)
            #expect(await eventually { !peer.bytes.isEmpty })
            let connection = try #require(processor.latest)
            #expect(connection.remoteAddress.addressText == "127.0.0.1")
            #expect(connection.localAddress == .loopback(port: Int32(port)))
            let hasClosed = Mutex(false)
            connection.onClose { hasClosed.withLock { $0 = true } }
            await peer.close()
            #expect(await eventually { processor.closed == 1 && server.connectionCount == 0 })
            #expect(hasClosed.withLock { $0 })
            #expect(processor.opened == 1)
            #expect(!connection.isOpen)
        }
    }

    @Test("stopping closes connections and frees the port")
    func stopping() async throws {
        try await withServer(TestProcessor.echo) { address, port, server in
            try await withClient { client in
                _ = try await client.invoke(.request(.heartBeat), on: address)
                await server.stop()
                #expect(server.connectionCount == 0)
                await #expect(throws: RemotingError.self) {
                    try await client.invoke(.request(.heartBeat), on: address)
                }
                try await withServer(TestProcessor.echo) { other, _, _ in
                    _ = try await client.invoke(.request(.heartBeat), on: other)
                }
            }
        }
    }
}
