// Real brokers and NameServers that stop and come back under load.

import ApusBroker
import ApusFormat
import Synchronization
import Testing

@testable import ApusClient

private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

@Suite("A producer, while servers come and go")
struct OutageTests {
    /// Sends until the flag is set, and keeps what was acknowledged.
    private static func sendAll(
        _ producer: Producer, _ isOver: Flag
    ) async -> (acknowledged: [String], doubtful: Set<String>) {
        var acknowledged: [String] = []
        var doubtful: Set<String> = []
        var number = 0
        while !isOver.isSet {
            number += 1
            do {
                try await producer.send(Message("\(number)", to: "Orders"))
                acknowledged.append("\(number)")
            } catch {
                doubtful.insert("\(number)")
            }
        }
        return (acknowledged, doubtful)
    }

    @Test("what was acknowledged around a broker's restart is there, and nothing is invented")
    func restart() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.sendTimeout = .milliseconds(500)
            let producer = try Producer(configuration)
            let isOver = Flag()
            try await producer.running { producer in
                async let sent = Self.sendAll(producer, isOver)
                try await eventually("messages flow") {
                    try await allMessages(system, "Orders").count > 50
                }
                let port = Int(try #require(system.broker()).address.port)
                try await system.stopBroker()
                try await system.startBroker(port: port)
                let before = try await allMessages(system, "Orders").count
                try await eventually("messages flow again") {
                    try await allMessages(system, "Orders").count > before + 50
                }
                isOver.set()
                let (acknowledged, doubtful) = await sent
                let bodies = try await allMessages(system, "Orders").map(\.text)
                let stored = Set(bodies)
                #expect(Set(acknowledged).subtracting(stored).isEmpty)
                #expect(stored.subtracting(acknowledged).isSubset(of: doubtful))
            }
        }
    }

    @Test("sends go on while the NameServer is gone, and a new broker is found when it is back")
    func nameServer() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.client.routeRefreshInterval = .milliseconds(50)
            configuration.client.requestTimeout = .milliseconds(200)
            try await Producer(configuration).running { producer in
                try await producer.send(Message("1", to: "Orders"))
                await system.stopNameServer()
                for _ in 0..<20 { try await producer.send(Message("x", to: "Orders")) }
                try await system.startNameServer()
                try await system.startBroker("broker-b")
                try await eventually("the new one gets messages") {
                    let queues = try? await producer.queues(of: "Later")
                    return queues?.contains { $0.broker == "broker-b" } == true
                }
            }
        }
    }

    @Test("a broker that moves to another port is found there")
    func moved() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.client.routeRefreshInterval = .milliseconds(100)
            configuration.attempts = 100
            configuration.sendTimeout = .seconds(10)
            try await Producer(configuration).running { producer in
                try await producer.send(Message("1", to: "Orders"))
                try await system.stopBroker()
                async let second = producer.send(Message("2", to: "Orders"))
                try await system.startBroker()
                _ = try await second
                let stored = try await allMessages(system, "Orders")
                #expect(stored.count == 2)
            }
        }
    }
}
