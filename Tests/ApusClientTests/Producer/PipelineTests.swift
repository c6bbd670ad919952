// A pipeline beside others that send, and when it is given up.

import ApusFormat
import ApusRemoting
import Synchronization
import Testing

@testable import ApusClient

@Suite("A pipeline", .timeLimit(.minutes(2)))
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
            // What is sent again is answered in any order.
            #expect(results.withLock { $0.sorted() } == [0, 1])
        }
    }

    @Test("what fails while others wait for its place is tried again")
    func failedWhileStuck() async throws {
        let one = FakeServer { $0.requestCode == .sendMessageV2 ? nil : Response(.success) }
        let two = FakeServer.broker()
        let nameServer = FakeServer.nameServer(
            ["one": try await one.start(), "two": try await two.start()], queues: 1)
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.maximumInFlight = 2
        configuration.sendTimeout = .seconds(30)
        let told = Mutex<[Int: Bool]>([:])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { number, result in
                told.withLock { $0[number] = (try? result.get()) != nil }
            } body: { pipeline in
                // By the keys' hashes: 98 is even, 97 is odd.
                for _ in 0..<2 {
                    try await pipeline.send(Message("first", to: "T"), shardingKey: "b")
                }
                try await eventually("all places are taken") { one.count(.sendMessageV2) == 2 }
                try await pipeline.send(Message("second", to: "T"), shardingKey: "a")
                try await eventually("it waits for one") { producer.window.hasWaiters }
                one.answer { FakeServer.stored($0) }
                one.cut()
            }
        }
        #expect(told.withLock { $0 } == [0: true, 1: true, 2: true])
        #expect(one.count(.sendMessageV2) == 4 && two.count(.sendMessageV2) == 1)
        for server in [one, two, nameServer] { await server.stop() }
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
                    // The first one has been looked at by now, and this one waits behind it.
                    try await Task.sleep(for: .milliseconds(50))
                    try await pipeline.send(Message("piped", to: "T"))
                    handed.withLock { $0 = true }
                }
            }
            try await eventually("it is handed over") { handed.withLock { $0 } }
            piping.cancel()
            _ = await piping.result
            #expect(errors.withLock { $0 } == [.cancelled, .cancelled])
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

    @Test(
        "a plain message's request says what one that is sent alone says, but for its id and time")
    func plain() async throws {
        let broker = FakeServer.broker()
        let nameServer = FakeServer.nameServer(["one": try await broker.start()], queues: 1)
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        var unsafe = Message("no wait", to: "T")
        unsafe.waitsForStore = false
        let messages = [
            Message("tagged", to: "T", tag: "größer"), Message("again", to: "T", tag: "größer"),
            Message("bare", to: "T"), unsafe, Message("bare", to: "T"),
        ]
        try await Producer(configuration).running { producer in
            for message in messages { try await producer.send(message) }
            try await producer.withPipeline { _, result in
                #expect((try? result.get())?.queueOffset == 7)
            } body: { pipeline in
                // Twice: the second of two alike takes the short way.
                for message in messages {
                    for _ in 0..<2 { try await pipeline.send(message) }
                }
            }
        }
        let sends = broker.requests.filter { $0.requestCode == .sendMessageV2 }
        #expect(sends.count == 15)
        func parts(_ command: RemotingCommand) -> [String: String] {
            var parts: [String: String] = ["body": String(decoding: command.body, as: UTF8.self)]
            for field in command.fields.all where field.name != "g" {
                parts[field.name] = field.value
            }
            let properties = parts["i"] ?? ""
            #expect(properties.hasPrefix("UNIQ_KEY\u{1}"))
            // The id has 32 digits: what differs are its last twelve.
            parts["i"] = String(properties.prefix(29) + properties.dropFirst(41))
            return parts
        }
        for place in messages.indices {
            #expect(parts(sends[place]) == parts(sends[5 + 2 * place]))
            #expect(parts(sends[place]) == parts(sends[6 + 2 * place]))
        }
        let ids = sends.compactMap { $0.fields["i"]?.dropFirst(9).prefix(32) }
        #expect(Set(ids).count == 15)
        await broker.stop()
        await nameServer.stop()
    }

    @Test("messages of any kind, to several topics, arrive as they were")
    func mixed() async throws {
        try await withSystem { system in
            var configuration = ProducerConfiguration(system.client)
            configuration.compression = Compression(.lz4, from: 1000)
            let receipts = Mutex<[Int: SendReceipt]>([:])
            var sent: [Message] = []
            for number in 0..<300 {
                // Some to one topic, one after the other, then to the other.
                let topic = number / 30 % 2 == 0 ? "Orders" : "Bills"
                var message = Message("\(number)", to: topic, tag: number % 3 == 0 ? "t" : nil)
                if number % 5 == 0 { message.keys = ["k\(number)"] }
                if number % 7 == 0 { message.properties = ["colour": "red"] }
                if number % 11 == 0 { message.flag = 3 }
                if number % 13 == 0 {
                    message.body = [UInt8](repeating: UInt8(number % 256), count: 5000)
                }
                sent.append(message)
            }
            let all = sent
            try await Producer(configuration).running { producer in
                try await producer.withPipeline { number, result in
                    if let receipt = try? result.get() {
                        receipts.withLock { $0[number] = receipt }
                    }
                } body: { pipeline in
                    for message in all { try await pipeline.send(message) }
                }
            }
            let stored = try await allMessages(system, "Orders") + allMessages(system, "Bills")
            let byID = Dictionary(uniqueKeysWithValues: stored.map { ($0.id, $0) })
            let told = receipts.withLock { $0 }
            #expect(told.count == 300 && byID.count == 300)
            for (number, message) in all.enumerated() {
                let found = try #require(byID[told[number]?.id ?? ""])
                #expect(found.body == message.body && found.tag == message.tag)
                #expect(found.keys == message.keys && found.flag == message.flag)
                #expect(found.properties["colour"] == message.properties["colour"])
                #expect(found.queue == told[number]?.queue && found.place == told[number]?.place)
            }
        }
    }

    @Test("a connection that is cut costs no message, and each is told once")
    func cut() async throws {
        let broker = FakeServer.broker()
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.maximumInFlight = 64
        configuration.sendTimeout = .seconds(20)
        let told = Mutex<[Int: Int]>([:])
        let failed = Mutex<[String]>([])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { number, result in
                told.withLock { $0[number, default: 0] += 1 }
                if case .failure(let error) = result { failed.withLock { $0.append("\(error)") } }
            } body: { pipeline in
                for number in 0..<5000 {
                    try await pipeline.send(Message("\(number)", to: "T", tag: "t"))
                    if number % 1000 == 500 { broker.cut() }
                }
            }
        }
        #expect(told.withLock { $0.count } == 5000 && told.withLock { $0.values.max() } == 1)
        #expect(failed.withLock { $0 } == [])
        let bodies = broker.requests.filter { $0.requestCode == .sendMessageV2 }.map(\.body)
        #expect(Set(bodies).count == 5000)
        await broker.stop()
        await nameServer.stop()
    }

    @Test("a broker that answers twice, out of turn, or not at all, is heard once for each message")
    func strange() async throws {
        let held = Mutex<[(ReplyKey, RemotingCommand, Connection)]>([])
        let broker = FakeServer.broker()
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.attempts = 1
        configuration.sendTimeout = .milliseconds(400)
        broker.twist { request, key, connection in
            guard request.requestCode == .sendMessageV2 else { return false }
            let batch = held.withLock { held -> [(ReplyKey, RemotingCommand, Connection)] in
                held.append((key, request, connection))
                guard held.count == 10 else { return [] }
                defer { held = [] }
                return held
            }
            for (key, request, connection) in batch.reversed() {
                if request.body == Array("3".utf8) { continue }
                for _ in 0..<2 { connection.respond(to: key, FakeServer.stored(request)) }
            }
            return true
        }
        let told = Mutex<[Int: [Bool]]>([:])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { number, result in
                told.withLock { $0[number, default: []].append((try? result.get()) != nil) }
            } body: { pipeline in
                for number in 0..<100 {
                    try await pipeline.send(Message("\(number)", to: "T"))
                }
            }
        }
        let results = told.withLock { $0 }
        #expect(results.count == 100 && results[3] == [false])
        for number in 0..<100 where number != 3 { #expect(results[number] == [true]) }
        await broker.stop()
        await nameServer.stop()
    }

    /// Four tasks send through one pipeline, to two topics.
    private static func pipe(
        _ name: String, _ producer: Producer, _ note: @escaping @Sendable (String) -> Void
    ) async throws {
        try await producer.withPipeline { number, result in
            note("\(name) \(number) \((try? result.get()) != nil)")
        } body: { pipeline in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for task in 0..<4 {
                    tasks.addTask {
                        for number in 0..<200 {
                            let topic = number % 3 == 0 ? "T" : "U"
                            try await pipeline.send(
                                Message("\(name) \(task) \(number)", to: topic))
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }

    @Test("many tasks, two pipelines and single sends share few places, and each hears once")
    func crowd() async throws {
        let one = FakeServer.broker()
        let two = FakeServer.broker()
        let nameServer = FakeServer.nameServer([
            "one": try await one.start(), "two": try await two.start(),
        ])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.maximumInFlight = 2
        configuration.sendTimeout = .seconds(30)
        let told = Mutex<[String: Int]>([:])
        try await Producer(configuration).running { producer in
            let note: @Sendable (String) -> Void = { line in
                #expect(producer.inFlight <= 2)
                told.withLock { $0[line, default: 0] += 1 }
            }
            async let first: Void = Self.pipe("a", producer, note)
            async let second: Void = Self.pipe("b", producer, note)
            for number in 0..<100 { try await producer.send(Message("c \(number)", to: "T")) }
            _ = try await (first, second)
            #expect(producer.inFlight == 0)
        }
        let names = told.withLock { $0 }
        let wanted = ["a", "b"].flatMap { name in (0..<800).map { "\(name) \($0) true" } }
        #expect(Set(names.keys) == Set(wanted) && names.values.allSatisfy { $0 == 1 })
        let sends = (one.requests + two.requests).filter { $0.requestCode == .sendMessageV2 }
        #expect(sends.count == 1700 && Set(sends.map(\.body)).count == 1700)
        for server in [one, two, nameServer] { await server.stop() }
    }

    @Test("bodies of all sizes go through places that are bounded in bytes")
    func sizes() async throws {
        let broker = FakeServer.broker()
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.compression = nil
        configuration.maximumMessageBytes = 1 << 20
        configuration.maximumInFlightBytes = 1 << 20
        let sizes = [1, 300_000, 2, 1 << 20, 3, 200_000, 100_000, 1 << 20, 5, 262_144, 262_145]
        let told = Mutex<[Int: Bool]>([:])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { number, result in
                told.withLock { $0[number] = (try? result.get()) != nil }
            } body: { pipeline in
                for size in sizes {
                    try await pipeline.send(Message([UInt8](repeating: 7, count: size), to: "T"))
                }
                for size in [0, 1 + 1 << 20] {
                    let error = await #expect(throws: ClientError.self) {
                        try await pipeline.send(
                            Message([UInt8](repeating: 7, count: size), to: "T"))
                    }
                    #expect(error?.kind == .invalidMessage)
                }
            }
            // All that was taken of the window is back.
            #expect(producer.window.tryEnter(2, bytes: 1 << 20))
            producer.window.leave(2, bytes: 1 << 20)
        }
        #expect(
            told.withLock { $0 }
                == Dictionary(uniqueKeysWithValues: sizes.indices.map { ($0, true) }))
        let sent = broker.requests.filter { $0.requestCode == .sendMessageV2 }.map(\.body.count)
        #expect(sent == sizes)
        await broker.stop()
        await nameServer.stop()
    }

    @Test("what waits behind messages that are tried again goes when they are through")
    func behind() async throws {
        let refused = Mutex<Set<[UInt8]>>([])
        let broker = FakeServer { request in
            guard request.requestCode == .sendMessageV2 else { return Response(.success) }
            let isNew = refused.withLock { $0.insert(request.body).inserted }
            return isNew ? Response(.systemBusy, remark: "later") : FakeServer.stored(request)
        }
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.maximumInFlight = 1
        let told = Mutex<[Int: Bool]>([:])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { number, result in
                told.withLock { $0[number] = (try? result.get()) != nil }
            } body: { pipeline in
                for number in 0..<6 {
                    try await pipeline.send(Message("\(number)", to: "T"))
                }
            }
        }
        #expect(told.withLock { $0 } == [0: true, 1: true, 2: true, 3: true, 4: true, 5: true])
        #expect(broker.count(.sendMessageV2) == 12)
        await broker.stop()
        await nameServer.stop()
    }

    @Test(
        "what is stored less safely than it should be is told, or tried again",
        arguments: [false, true])
    func safety(retries: Bool) async throws {
        let times = Mutex(0)
        let broker = FakeServer { request in
            guard request.requestCode == .sendMessageV2 else { return Response(.success) }
            let isFirst = times.withLock { times in
                times += 1
                return times == 1
            }
            let stored = FakeServer.stored(request)
            return isFirst ? Response(.flushDiskTimeout, fields: stored.fields) : stored
        }
        let nameServer = FakeServer.nameServer(["one": try await broker.start()])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        configuration.retriesWhatIsNotSafe = retries
        let told = Mutex<[SendReceipt.Status?]>([])
        try await Producer(configuration).running { producer in
            try await producer.withPipeline { _, result in
                told.withLock { $0.append((try? result.get())?.status) }
            } body: { pipeline in
                _ = try await pipeline.send(Message("x", to: "T"))
            }
        }
        #expect(told.withLock { $0 } == [retries ? .stored : .notFlushedInTime])
        #expect(broker.count(.sendMessageV2) == (retries ? 2 : 1))
        await broker.stop()
        await nameServer.stop()
    }
}
