// Sends when something is wrong: brokers that refuse, are silent, slow or gone, NameServers that
// are, tasks that are cancelled.

import ApusFormat
import ApusRemoting
import Synchronization
import TestSupport
import Testing

@testable import ApusClient

/// Two brokers that answer as they are told, and a NameServer that knows both.
private struct Pair {
    let one = FakeServer.broker()
    let two = FakeServer.broker()
    let nameServer: FakeServer
    let configuration: ProducerConfiguration

    init(_ change: (inout ProducerConfiguration) -> Void = { _ in }) async throws {
        nameServer = FakeServer.nameServer([
            "one": try await one.start(), "two": try await two.start(),
        ])
        var configuration = ProducerConfiguration(nameServers: try await nameServer.start())
        configuration.client.logger = .quiet
        change(&configuration)
        self.configuration = configuration
    }

    func stop() async {
        for server in [one, two, nameServer] { await server.stop() }
    }

    /// Runs `body`, and ends the servers with it.
    func run(_ body: @Sendable (Producer) async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do {
            result = .success(try await Producer(configuration).running(body))
        } catch {
            result = .failure(error)
        }
        await stop()
        try result.get()
    }
}

private func refusing(_ code: ResponseCode) -> FakeServer.Answer {
    { request in
        request.requestCode == .sendMessageV2
            ? Response(code, remark: "no") : Response(.success)
    }
}

private let silent: FakeServer.Answer = { request in
    request.requestCode == .sendMessageV2 ? nil : Response(.success)
}

@Suite("A producer, when something is wrong")
struct ProducerFailureTests {
    @Test("what one broker cannot take goes to another, which is preferred from then on")
    func another() async throws {
        let pair = try await Pair()
        pair.one.answer(refusing(.systemBusy))
        try await pair.run { producer in
            for _ in 0..<20 {
                let receipt = try await producer.send(Message("x", to: "T"))
                #expect(receipt.queue.broker == "two")
            }
            #expect(pair.one.count(.sendMessageV2) <= 1 && pair.two.count(.sendMessageV2) == 20)
        }
    }

    @Test("a refusal that no other broker would take back is final, and said in words")
    func final() async throws {
        let pair = try await Pair()
        for broker in [pair.one, pair.two] { broker.answer(refusing(.messageIllegal)) }
        try await pair.run { producer in
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"))
            }
            #expect(error?.kind == .refused(.messageIllegal) && error?.retry == .never)
            #expect(error?.mayHaveHappened == false)
            #expect("\(error.map { "\($0)" } ?? "")".contains("\"no\""))
            #expect(pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2) == 1)
        }
    }

    @Test("a broker that is silent costs its share of the time, and leaves the send in no doubt")
    func silence() async throws {
        let pair = try await Pair { $0.attemptTimeout = .milliseconds(100) }
        pair.one.answer(silent)
        try await pair.run { producer in
            for _ in 0..<4 {
                let receipt = try await producer.send(Message("x", to: "T"))
                #expect(receipt.queue.broker == "two")
            }
        }
    }

    @Test("when nobody answers the error says that the message may be stored")
    func doubt() async throws {
        let pair = try await Pair {
            $0.attemptTimeout = .milliseconds(50)
            $0.sendTimeout = .seconds(20)
        }
        for broker in [pair.one, pair.two] { broker.answer(silent) }
        try await pair.run { producer in
            let start = ContinuousClock.now
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"))
            }
            #expect(error?.kind == .timedOut && error?.mayHaveHappened == true)
            #expect(error?.isRetryable == true)
            // Three attempts with their pauses take a fifth of a second on an idle machine.
            #expect(start.duration(to: .now) < .seconds(15))
            #expect(pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2) == 3)
        }
    }

    @Test("a send ends when its time is over, whatever attempts are left")
    func timeIsOver() async throws {
        let pair = try await Pair {
            $0.attempts = 1000
            $0.sendTimeout = .milliseconds(200)
        }
        for broker in [pair.one, pair.two] { broker.answer(silent) }
        try await pair.run { producer in
            let start = ContinuousClock.now
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"))
            }
            #expect(error?.mayHaveHappened == true)
            #expect(start.duration(to: .now) < .seconds(15))
        }
    }

    @Test("doubt of an earlier attempt stays when the last one is refused")
    func doubtStays() async throws {
        let pair = try await Pair { $0.attemptTimeout = .milliseconds(50) }
        let count = Mutex(0)
        let answer: FakeServer.Answer = { request in
            guard request.requestCode == .sendMessageV2 else { return Response(.success) }
            let isFirst = count.withLock { count in
                count += 1
                return count == 1
            }
            return isFirst ? nil : Response(.messageIllegal)
        }
        for broker in [pair.one, pair.two] { broker.answer(answer) }
        try await pair.run { producer in
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"))
            }
            #expect(error?.kind == .refused(.messageIllegal) && error?.mayHaveHappened == true)
        }
    }

    @Test("a connection that is cut while a send waits is made again")
    func cut() async throws {
        let pair = try await Pair()
        for broker in [pair.one, pair.two] { broker.answer(silent) }
        try await pair.run { producer in
            async let receipt = producer.send(Message("x", to: "T"))
            try await eventually("the send has come") {
                pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2) == 1
            }
            for broker in [pair.one, pair.two] { broker.answer { FakeServer.stored($0) } }
            for broker in [pair.one, pair.two] { broker.cut() }
            let stored = try await receipt
            #expect(stored.queueOffset == 7)
        }
    }

    @Test("a connection that is open and dead is found out, and another one is made")
    func halfOpen() async throws {
        let pair = try await Pair {
            $0.attemptTimeout = .milliseconds(50)
            $0.attempts = 1000
            $0.sendTimeout = .seconds(20)
            $0.client.requestTimeout = .milliseconds(200)
        }
        try await pair.run { producer in
            for _ in 0..<4 { try await producer.send(Message("x", to: "T")) }
            for broker in [pair.one, pair.two] { broker.freeze() }
            let receipt = try await producer.send(Message("x", to: "T"))
            #expect(receipt.queueOffset == 7)
        }
    }

    @Test("a slow broker is waited for as long as a send may take, and then avoided")
    func slow() async throws {
        let pair = try await Pair()
        let slow: FakeServer.Answer = { request in
            if request.requestCode == .sendMessageV2 {
                // As a broker whose device is slow; it holds its only event loop up.
                let end = ContinuousClock.now.advanced(by: .milliseconds(700))
                while ContinuousClock.now < end {}
            }
            return FakeServer.stored(request)
        }
        pair.one.answer(slow)
        try await pair.run { producer in
            var brokers: [String] = []
            for _ in 0..<12 {
                brokers.append(try await producer.send(Message("x", to: "T")).queue.broker)
            }
            // It is tried again only after a rest of two seconds.
            #expect(brokers.count { $0 == "one" } <= 1 && brokers.contains("two"))
        }
    }

    @Test("messages of a key stay with their queue while its broker refuses them")
    func keyed() async throws {
        let pair = try await Pair()
        for broker in [pair.one, pair.two] { broker.answer(refusing(.systemBusy)) }
        try await pair.run { producer in
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"), shardingKey: "k")
            }
            #expect(error?.kind == .refused(.systemBusy))
            #expect(pair.one.count(.sendMessageV2) == 0 || pair.two.count(.sendMessageV2) == 0)
        }
    }

    @Test(
        "not flushed in time is stored, and sent again only if that is wished",
        arguments: [false, true])
    func notFlushed(again: Bool) async throws {
        let pair = try await Pair { $0.retriesWhatIsNotSafe = again }
        let answer: FakeServer.Answer = { request in
            var response = FakeServer.stored(request)
            if request.requestCode == .sendMessageV2 { response.code = .flushDiskTimeout }
            return response
        }
        for broker in [pair.one, pair.two] { broker.answer(answer) }
        try await pair.run { producer in
            let receipt = try await producer.send(Message("x", to: "T"))
            #expect(receipt.status == .notFlushedInTime)
            let count = pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2)
            #expect(count == (again ? 3 : 1))
        }
    }

    @Test("a cancelled send ends at once, and says that it may have happened")
    func cancelled() async throws {
        let pair = try await Pair { $0.sendTimeout = .seconds(30) }
        for broker in [pair.one, pair.two] { broker.answer(silent) }
        try await pair.run { producer in
            let start = ContinuousClock.now
            let task = Task { try await producer.send(Message("x", to: "T")) }
            try await eventually("the send has come") {
                pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2) == 1
            }
            task.cancel()
            let result = await task.result
            let error = #expect(throws: ClientError.self) { try result.get() }
            #expect(error?.kind == .cancelled && error?.mayHaveHappened == true)
            #expect(start.duration(to: .now) < .seconds(5))
            #expect(producer.inFlight == 0)
        }
    }

    @Test("what a pipeline's first attempt does not get stored is tried again")
    func pipeline() async throws {
        let pair = try await Pair()
        pair.one.answer(refusing(.systemBusy))
        try await pair.run { producer in
            let results = Mutex<[Int: Bool]>([:])
            try await producer.withPipeline { number, result in
                let isStored = (try? result.get())?.queue.broker == "two"
                results.withLock { $0[number] = isStored }
            } body: { pipeline in
                for _ in 0..<100 { try await pipeline.send(Message("x", to: "T")) }
            }
            #expect(results.withLock { $0.count } == 100)
            #expect(results.withLock { !$0.values.contains(false) })
        }
    }

    @Test("of several NameServers one that answers is enough")
    func nameServers() async throws {
        let pair = try await Pair()
        let silent = FakeServer { _ in nil }
        let place = try await silent.start()
        var configuration = pair.configuration
        configuration.client.requestTimeout = .milliseconds(400)
        configuration.client.nameServers =
            ["127.0.0.1:1", place] + configuration.client.nameServers
        configuration.sendTimeout = .milliseconds(1500)
        let producer = try Producer(configuration)
        try await producer.running { producer in
            let receipt = try await producer.send(Message("x", to: "T"))
            #expect(receipt.queueOffset == 7)
        }
        await silent.stop()
        await pair.stop()
    }

    @Test("when no NameServer answers, the error names them")
    func noNameServer() async throws {
        var configuration = ProducerConfiguration(nameServers: "127.0.0.1:1")
        configuration.client.logger = .quiet
        let producer = try Producer(configuration)
        try await producer.running { producer in
            let error = await #expect(throws: ClientError.self) {
                try await producer.send(Message("x", to: "T"))
            }
            #expect(error?.kind == .noNameServer && error?.reason.contains("127.0.0.1:1") == true)
        }
    }

    @Test("a send has the same fields whether it is written straight away or as a command")
    func fields() async throws {
        let pair = try await Pair { $0.compression = nil }
        try await pair.run { producer in
            var message = Message("x", to: "T", tag: "a", keys: ["k"])
            message.flag = 7
            try await producer.send(message, shardingKey: "k")
            try await producer.sendOneWay(message, shardingKey: "k")
            try await eventually("both came") {
                pair.one.count(.sendMessageV2) + pair.two.count(.sendMessageV2) == 2
            }
            let sends = (pair.one.requests + pair.two.requests).filter {
                $0.requestCode == .sendMessageV2
            }
            func fields(_ request: RemotingCommand) -> [String: String] {
                var all: [String: String] = [:]
                // Born at another time, with another id.
                for field in request.fields.all where !["g", "i"].contains(field.name) {
                    all[field.name] = field.value
                }
                return all
            }
            let both = sends.map(fields)
            #expect(both.first == both.last && both.first?.count == 11)
            let lengths = sends.map { ($0.fields["i"] ?? "").utf8.count }
            #expect(lengths.first == lengths.last && (lengths.first ?? 0) > 40)
            #expect(both.first?["h"] == "7" && both.first?["m"] == "false")
        }
    }

    @Test("many sends that need one route ask for it once")
    func oneQuestion() async throws {
        let pair = try await Pair()
        try await pair.run { producer in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<50 {
                    tasks.addTask { _ = try await producer.send(Message("x", to: "T")) }
                }
                try await tasks.waitForAll()
            }
            #expect(pair.nameServer.count(.getRouteinfoByTopic) == 1)
        }
    }
}
