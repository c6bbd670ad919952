// A pipeline beside others that send, and when it is given up.

import ApusFormat
import ApusRemoting
import Synchronization
import Testing

@testable import ApusClient

@Suite("A pipeline")
struct PipelineTests {
    /// A producer that may have one send under way, at a broker that is silent until it is let go.
    private func with(
        _ body: @Sendable (Producer, FakeServer) async throws -> Void
    ) async throws {
        let broker = FakeServer { $0.requestCode == .sendMessageV2 ? nil : Response(.success) }
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.maximumInFlight = 1
        configuration.sendTimeout = .seconds(30)
        try await Producer(configuration).running { try await body($0, broker) }
        await broker.stop()
        await nameServer.stop()
    }

    @Test("what others leave no place for goes when they are through")
    func stuck() async throws {
        try await with { producer, broker in
            async let plain = producer.send(Message("plain", to: "T"))
            try await eventually("it is under way") { broker.count(.sendMessageV2) == 1 }
            let results = Mutex<[Int]>([])
            async let piped: Void = producer.withPipeline { number, result in
                if (try? result.get()) != nil { results.withLock { $0.append(number) } }
            } body: { pipeline in
                for _ in 0..<2 { try await pipeline.send(Message("piped", to: "T")) }
            }
            broker.answer { FakeServer.stored($0) }
            // The first one's answer is not coming any more: it is sent again.
            broker.cut()
            _ = try await plain
            try await piped
            #expect(results.withLock { $0 } == [0, 1])
        }
    }

    @Test("what is given up before it is under way is told so")
    func cancelled() async throws {
        try await with { producer, broker in
            let plain = Task { try await producer.send(Message("plain", to: "T")) }
            try await eventually("it is under way") { broker.count(.sendMessageV2) == 1 }
            let errors = Mutex<[ClientError.Kind]>([])
            let handed = Mutex(false)
            let piping = Task {
                try await producer.withPipeline { _, result in
                    if case .failure(let error) = result {
                        errors.withLock { $0.append(error.kind) }
                    }
                } body: { pipeline in
                    try await pipeline.send(Message("piped", to: "T"))
                    handed.withLock { $0 = true }
                }
            }
            try await eventually("it is handed over") { handed.withLock { $0 } }
            piping.cancel()
            _ = await piping.result
            #expect(errors.withLock { $0 } == [.cancelled])
            #expect(broker.count(.sendMessageV2) == 1)
            plain.cancel()
            _ = await plain.result
        }
    }

    @Test("messages begin in the order in which they were handed over")
    func order() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.maximumInFlight = 8
            try await Producer(configuration).running { producer in
                try await producer.withPipeline { _, _ in
                } body: { pipeline in
                    for number in 0..<3000 {
                        try await pipeline.send(
                            Message("\(number)", to: "Orders"), shardingKey: "k")
                    }
                }
                let queues = try await producer.queues(of: "Orders")
                var all: [String] = []
                for queue in queues {
                    all += try await messages(system, "Orders", queue: queue.id).map(\.text)
                }
                #expect(all == (0..<3000).map { "\($0)" })
            }
        }
    }
}
