// What a message costs in allocations, beyond its body: on whatever thread.

import ApusFormat
import CAllocationCounter
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusClient

@Suite("Allocations of a producer", .serialized)
struct ProducerAllocationTests {
    /// The most that a message through a pipeline may cost.
    private static let limit = 3.0
    /// How often it is measured at most. How many answers share a read is up to the kernel and to
    /// what else the machine does; the least of all rounds is what they cost where many do.
    private static let rounds = 50

    @Test("a message through a pipeline costs at most three, those of its event loop included")
    func pipeline() async throws {
        guard callocationcounter_thread() >= 0 else { return }
        let broker = FakeServer.broker()
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.client.eventLoopGroup = loop
        configuration.maximumInFlight = 100
        let message = Message([UInt8](repeating: 7, count: 128), to: "T", tag: "load")
        let least = try await Producer(configuration).running { producer in
            try await producer.withPipeline { _, result in
                #expect((try? result.get()) != nil)
            } body: { pipeline in
                var least = Double.infinity
                // Makes the buffers, and as many objects as are under way.
                for _ in 0..<1000 { try await pipeline.send(message) }
                for _ in 0..<Self.rounds {
                    let onLoop = try await loop.next().submit { callocationcounter_thread() }.get()
                    var here: Int64 = 0
                    for _ in 0..<1000 {
                        // A task may go on on another thread behind a wait: what is counted is
                        // the part that does not wait, which is nearly all of it.
                        let before = callocationcounter_thread()
                        try await pipeline.send(message)
                        let used = callocationcounter_thread() - before
                        if used >= 0, used < 1000 { here += used }
                    }
                    let end = try await loop.next().submit { callocationcounter_thread() }.get()
                    least = min(least, Double(end - onLoop + here) / 1000)
                    if least <= Self.limit { break }
                }
                return least
            }
        }
        print("allocations of a message through a pipeline: \(least)")
        #expect(least <= Self.limit, "\(least) a message")
        await broker.stop()
        await nameServer.stop()
        try await loop.shutdownGracefully()
    }
}
