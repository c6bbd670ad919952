// Real brokers and NameServers that stop and come back under load.

import ApusBroker
import ApusFormat
import ApusRemoting
import Synchronization
import TestSupport
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

    @Test("a broker that came back hears of the producer at once, and the log tells of it once")
    func heartbeats() async throws {
        let log = LogLines()
        let broker = FakeServer.broker()
        let address = try await broker.start()
        let nameServer = FakeServer.nameServer(["one": address])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = log.logger
        configuration.sendTimeout = .seconds(20)
        configuration.attempts = 100
        try await Producer(configuration).running { producer in
            try await producer.send(Message("1", to: "T"))
            try await eventually("it is told") { broker.count(.heartBeat) > 0 }
            let before = broker.count(.heartBeat)
            broker.cut()
            try await producer.send(Message("2", to: "T"))
            try await eventually("it is told again") { broker.count(.heartBeat) > before }
            // The cut may have been noticed by a heartbeat.
            func warnings() -> Int {
                log.all.count { $0.hasPrefix("warning: a broker was not told") }
            }
            let warned = warnings()
            let tried = log.all.count { $0.contains("a broker was not told") }
            await broker.stop()
            broker.cut()
            // Rings for the heartbeat, which fails then.
            producer.heartbeat.ring()
            try await eventually("several were in vain") {
                log.all.count { $0.contains("a broker was not told") } > tried + 2
            }
            #expect(warnings() == warned + 1)
            _ = try await broker.start(port: Int(address.split(separator: ":")[1]) ?? 0)
            try await producer.send(Message("3", to: "T"))
            try await eventually("it is back") { log.contains("a broker is told again") }
        }
        await broker.stop()
        await nameServer.stop()
    }
}
