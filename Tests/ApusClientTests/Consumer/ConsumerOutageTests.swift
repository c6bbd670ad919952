// Consumers while brokers and NameServers come and go, and connections die.

import ApusBroker
import ApusFormat
import ApusRemoting
import Synchronization
import Testing

@testable import ApusClient

@Suite("A consumer, while servers come and go")
struct ConsumerOutageTests {
    @Test("every message that was acknowledged around a broker's restart comes")
    func restart() async throws {
        try await withSystem { system in
            let heard = Heard()
            let consumer = try PushConsumer(
                system.consumer {
                    $0.client.requestTimeout = .milliseconds(500)
                    $0.client.routeRefreshInterval = .milliseconds(200)
                }
            ) { heard.note($0) }
            var configuration = ProducerConfiguration(system.client)
            configuration.client.routeRefreshInterval = .milliseconds(200)
            configuration.sendTimeout = .seconds(5)
            configuration.attempts = 100
            let sending = configuration
            let acknowledged = Mutex<[String]>([])
            try await consuming(consumer) {
                try await Producer(sending).running { producer in
                    for number in 0..<300 {
                        if number == 100 {
                            let broker = try #require(system.broker())
                            let port = Int(broker.address.port)
                            try await system.stopBroker()
                            try await system.startBroker(port: port)
                        }
                        do {
                            try await producer.send(Message("\(number)", to: "Orders"))
                            acknowledged.withLock { $0.append("\(number)") }
                        } catch {}
                    }
                }
                let all = Set(acknowledged.withLock { $0 })
                #expect(all.count > 250)
                try await eventually("all came") { all.isSubset(of: heard.texts) }
            }
        }
    }

    @Test("a broker that was restarted lists the members again, also where no message comes")
    func listed() async throws {
        try await withSystem { system in
            let heard = Heard()
            let first = try PushConsumer(system.consumer { $0.rebalanceInterval = .seconds(60) }) {
                heard.note($0)
            }
            try await system.send(["1"])
            try await consuming(first) {
                try await eventually("it came") { heard.count == 1 }
                let port = Int(try #require(system.broker()).address.port)
                try await system.stopBroker()
                try await Task.sleep(for: .milliseconds(300))
                try await system.startBroker(port: port)
                let core = try ClientCore(system.client)
                // Long before its next heartbeat is due, and the answer to its next pull.
                try await eventually("it is a member", within: .seconds(8)) {
                    let answer = try? await core.ask(
                        .request(
                            .getConsumerListByGroup, fields: ["consumerGroup": "readers"]),
                        on: "127.0.0.1:\(port)", "looking for members")
                    return answer.map { $0.responseCode == .success } ?? false
                }
                await core.remoting.close()
            }
        }
    }

    /// Gives the message at `offset`, and nothing at any other.
    private static func broker(with offset: Int64) -> FakeServer {
        FakeServer { request in
            switch request.requestCode {
            case .pullMessage where request.fields["queueOffset"] == "\(offset)":
                return Response(
                    .success, fields: ["nextBeginOffset": "\(offset + 1)"],
                    body: sample(at: offset).bytes)
            case .pullMessage: return nil
            case .queryConsumerOffset: return Response(.success, fields: ["offset": "0"])
            default: return Response(.success)
            }
        }
    }

    @Test("records of other offsets than those asked for are passed over, and nothing traps")
    func hostile() async throws {
        let broker = FakeServer { request in
            switch request.requestCode {
            case .pullMessage where request.fields["queueOffset"] == "0":
                let records = [sample(at: .max), sample(at: -1), sample(at: 1)].flatMap(\.bytes)
                return Response(
                    .success,
                    fields: ["nextBeginOffset": "2", "maxOffset": "\(Int64.min)"], body: records)
            case .pullMessage: return nil
            case .queryConsumerOffset: return Response(.success, fields: ["offset": "-5"])
            default: return Response(.success)
            }
        }
        let nameServer = FakeServer.nameServer(["one": try await broker.start()], queues: 1)
        var client = ClientConfiguration(nameServers: try await nameServer.start())
        client.logger = .quiet
        let consumer = try PullConsumer(ConsumerConfiguration(client, group: "g"))
        try await consumer.running { consumer in
            try consumer.assign([MessageQueue(topic: "T", broker: "one", id: 0)])
            for await message in consumer.messages {
                #expect(message.queueOffset == 1)
                break
            }
            #expect(consumer.progress.map(\.lag) == [0])
        }
        await broker.stop()
        await nameServer.stop()
    }

    @Test("a replica is read while the master is gone")
    func replica() async throws {
        let master = Self.broker(with: 0)
        let replica = Self.broker(with: 1)
        let addresses: JSONObject = [
            "0": .string(try await master.start()), "1": .string(try await replica.start()),
        ]
        let nameServer = FakeServer { _ in
            let group: JSONObject = [
                "brokerAddrs": .object(addresses), "brokerName": "one", "cluster": "c",
            ]
            let queues: JSONObject = [
                "brokerName": "one", "perm": 6, "readQueueNums": 1, "writeQueueNums": 1,
            ]
            let route: JSONObject = [
                "brokerDatas": [.object(group)], "queueDatas": [.object(queues)],
            ]
            return Response(.success, body: JSON.object(route).bytes())
        }
        var client = ClientConfiguration(nameServers: try await nameServer.start())
        client.logger = .quiet
        let consumer = try PullConsumer(ConsumerConfiguration(client, group: "g"))
        try await consumer.running { consumer in
            try consumer.assign([MessageQueue(topic: "T", broker: "one", id: 0)])
            var offsets: [Int64] = []
            for await message in consumer.messages {
                offsets.append(message.queueOffset)
                if offsets.count == 2 { break }
                await master.stop()
            }
            #expect(offsets == [0, 1])
        }
        await replica.stop()
        await nameServer.stop()
    }

    @Test("messages go on coming while the NameServer is gone")
    func nameServer() async throws {
        try await withSystem { system in
            let heard = Heard()
            let consumer = try PushConsumer(
                system.consumer {
                    $0.client.requestTimeout = .milliseconds(200)
                    $0.client.routeRefreshInterval = .milliseconds(50)
                    $0.rebalanceInterval = .milliseconds(50)
                }
            ) { heard.note($0) }
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                try await producer.send(Message("before", to: "Orders"))
                try await consuming(consumer) {
                    try await eventually("the first") { heard.count == 1 }
                    await system.stopNameServer()
                    for number in 0..<20 {
                        try await producer.send(Message("\(number)", to: "Orders"))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    try await eventually("all came") { heard.count == 21 }
                    try await system.startNameServer()
                }
            }
        }
    }

    @Test("a consumer that begins before its topic is made reads it from its first message on")
    func earlyBird() async throws {
        try await withSystem { system in
            let heard = Heard()
            let consumer = try PushConsumer(
                system.consumer("readers", Subscription("Later"))
            ) { heard.note($0) }
            try await consuming(consumer) {
                try await Task.sleep(for: .milliseconds(100))
                try await system.send(["1", "2"], to: "Later")
                try await eventually("both came") { heard.count == 2 }
            }
        }
    }

    @Test("members of one group on two brokers get everything once while one of them restarts")
    func twoBrokers() async throws {
        try await withSystem(brokers: ["broker-a", "broker-b"]) { system in
            let one = Heard()
            let two = Heard()
            func configuration() -> ConsumerConfiguration {
                system.consumer {
                    $0.client.requestTimeout = .milliseconds(500)
                    $0.client.routeRefreshInterval = .milliseconds(200)
                }
            }
            let first = try PushConsumer(configuration()) { one.note($0) }
            let second = try PushConsumer(configuration()) { two.note($0) }
            try await system.send((0..<40).map { "\($0)" })
            try await consuming(first) {
                try await consuming(second) {
                    try await eventually("all came") { one.count + two.count >= 40 }
                    let port = Int(try #require(system.broker("broker-b")).address.port)
                    try await system.stopBroker("broker-b")
                    try await system.send((40..<60).map { "\($0)" })
                    try await system.startBroker("broker-b", port: port)
                    try await system.send((60..<100).map { "\($0)" })
                    try await eventually("all came") {
                        Set(one.texts + two.texts).count >= 100
                    }
                }
            }
        }
    }
}
