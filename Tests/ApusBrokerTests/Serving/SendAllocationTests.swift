// What a send allocates on the broker's side, from the bytes that come to those that go.

import ApusFormat
import ApusRemoting
import ApusStore
import CAllocationCounter
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker

/// The serving half of a broker, on an event loop of the test's own.
private struct ServingLoop {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let router = RequestRouter()
    let server: RemotingServer
    let store: MessageStore
    let port: Int

    init(in directory: TemporaryDirectory) async throws {
        let configuration = BrokerConfiguration.forTests(in: directory)
        server = RemotingServer(processor: router, logger: .silent, group: group)
        port = try await server.start(host: "127.0.0.1", port: 0).port ?? 0
        store = try MessageStore.open(configuration.storePath, configuration.store)
        let state = try BrokerState.open(configuration, logger: .silent)
        router.begin(
            try BrokerCore(
                configuration: configuration, store: store, state: state,
                connections: router.connections,
                errands: MultiThreadedEventLoopGroup.singleton.next(), logger: .silent))
    }

    /// How often the event loop has allocated.
    func allocations() async throws -> Int64 {
        try await group.next().submit { callocationcounter_thread() }.get()
    }

    func stop() async throws {
        await server.stop()
        try store.close()
        try await group.shutdownGracefully()
    }
}

@Suite("allocations of a broker", .serialized) struct SendAllocationTests {
    /// The most that a send may cost: its part of what the event loop needs for each read.
    private static let limit = 0.75
    /// How often it is measured. How many sends share a read is up to the kernel and to what else
    /// the machine does; the least of all rounds is what they cost where many do.
    private static let rounds = 20

    /// Sends so many at once, and waits for all answers.
    private func send(_ count: Int, _ command: RemotingCommand, on connection: Connection) async {
        let left = Atomic<Int>(count)
        await withCheckedContinuation { continuation in
            for _ in 0..<count {
                connection.invoke(command, timeout: .seconds(20)) { result in
                    #expect((try? result.get())?.responseCode == .success)
                    if left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                        continuation.resume()
                    }
                }
            }
        }
    }

    @Test("a send is stored and answered with few of them", arguments: [false, true])
    func send(isBinary: Bool) async throws {
        guard callocationcounter_thread() >= 0 else { return }
        let directory = try TemporaryDirectory()
        let loop = try await ServingLoop(in: directory)
        let client = RemotingClient(logger: .silent, group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await client.connection(to: "127.0.0.1:\(loop.port)")
        var command = RemotingCommand.request(
            .sendMessageV2,
            fields: [
                "a": "group", "b": "Allocations", "c": "TBW102", "d": "4", "e": "1", "f": "0",
                "g": "1795350725540", "h": "0", "j": "0", "k": "false", "m": "false",
                "i": "UNIQ_KEY\u{1}C00002021FBC5FFD2B276ED61BA4001B\u{2}WAIT\u{1}true\u{2}",
            ], body: [UInt8](repeating: 7, count: 128))
        command.serialization = isBinary ? .binary : .json
        // Makes the topic, the queue and the buffers.
        await send(100, command, on: connection)
        await send(100, command, on: connection)
        var least = Double.infinity
        for _ in 0..<Self.rounds {
            let before = try await loop.allocations()
            await send(200, command, on: connection)
            least = min(least, Double(try await loop.allocations() - before) / 200)
        }
        #expect(least <= Self.limit, "\(least) a send")
        await client.close()
        try await loop.stop()
    }
}
