// `mqload client --consume`: a push consumer that takes numbered messages, and accounts for each.

import ApusClient
import Bench
import CRoofline
import NIOCore
import Synchronization

/// Fills a topic with numbers, and consumes them.
struct ClientConsumption {
    private let plan: LoadPlan
    private let broker: LoadedBroker
    private let group: any EventLoopGroup
    private let nameServer: String

    init(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ group: any EventLoopGroup, _ nameServer: String
    ) throws {
        guard plan.body >= Numbered.stampByteCount else {
            throw UsageError("numbers need bodies of \(Numbered.stampByteCount) bytes or more")
        }
        self.plan = plan
        self.broker = broker
        self.group = group
        self.nameServer = nameServer
    }

    func measure() async throws -> RunResult {
        let account = Account(plan.messages, run: UInt64.random(in: 1...UInt64.max))
        var result = RunResult(
            "client consume",
            plan.parameters([("body", .count(plan.body)), ("messages", .count(plan.messages))]))
        try await fill(account)
        let seconds = try await consume(account)
        result.messagesPerSecond = Double(plan.messages) / seconds
        result.megabytesPerSecond = result.messagesPerSecond * Double(plan.body) / 1e6
        let (missing, again, strange) = account.result
        result.checked = missing == 0 && again == 0
        result.more += [
            ("messages", .count(plan.messages)), ("missing", .count(missing)),
            ("again", .count(again)), ("failed", .count(missing)),
        ]
        result.notes.append(
            "\(plan.messages) messages, each accounted for: \(missing) missing, \(again) twice;"
                + " \(strange) of other runs passed over")
        return result
    }

    private func fill(_ account: Account) async throws {
        var settings = ProducerConfiguration(ClientRun.configuration(plan, nameServer, group))
        settings.compression = nil
        let plan = plan
        let topic = broker.topic
        let sent = FirstFailure()
        try await Producer(settings).running { producer in
            try await producer.withPipeline { _, result in
                if case .failure(let error) = result { sent.note(error) }
            } body: { pipeline in
                for number in 0..<plan.messages {
                    if number % 100_000 == 0, number > 0 {
                        Console.progress("client: \(number * 100 / plan.messages) % sent")
                    }
                    let body = Numbered.body(number, run: account.run, count: plan.body)
                    try await pipeline.send(Message(body, to: topic))
                }
            }
        }
        if let error = sent.error { throw error }
    }

    /// Seconds from the first message to the last.
    private func consume(_ account: Account) async throws -> Double {
        var configuration = ConsumerConfiguration(
            ClientRun.configuration(plan, nameServer, group),
            group: "mqload-\(account.run)", Subscription(broker.topic))
        configuration.start = .first
        configuration.concurrency = 4
        let consumer = try PushConsumer(configuration) { account.note([$0]) }
        let total = plan.messages
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            let patience = ContinuousClock.now.advanced(by: .seconds(60 + total / 20_000))
            while !account.isWhole, ContinuousClock.now < patience {
                Console.progress("client: \(account.count * 100 / total) % consumed")
                try await Task.sleep(for: .milliseconds(50))
            }
            tasks.cancelAll()
            try await tasks.waitForAll()
            return account.seconds
        }
    }
}

/// What of a pipeline failed first.
private final class FirstFailure: Sendable {
    private let state = Mutex<ClientError?>(nil)

    func note(_ error: ClientError) { state.withLock { $0 = $0 ?? error } }
    var error: ClientError? { state.withLock { $0 } }
}

/// A body with a number in it.
enum Numbered {
    static let stampByteCount = 16

    static func body(_ number: Int, run: UInt64, count: Int) -> [UInt8] {
        var body = [UInt8](repeating: 7, count: count)
        for place in 0..<8 {
            body[place] = UInt8(truncatingIfNeeded: run >> UInt64(8 * place))
            body[8 + place] = UInt8(truncatingIfNeeded: number >> (8 * place))
        }
        return body
    }
}

/// Which numbers have come.
final class Account: Sendable {
    private struct State {
        var hasCome: [Bool]
        var count = 0
        var again = 0
        var strange = 0
        var first: Int64 = 0
        var last: Int64 = 0
    }

    let run: UInt64
    private let total: Int
    private let state: Mutex<State>

    init(_ total: Int, run: UInt64) {
        self.total = total
        self.run = run
        state = Mutex(State(hasCome: Array(repeating: false, count: total)))
    }

    var count: Int { state.withLock { $0.count } }
    var isWhole: Bool { count == total }
    var seconds: Double { state.withLock { max(1e-9, Double($0.last - $0.first) / 1e9) } }
    var result: (missing: Int, again: Int, strange: Int) {
        state.withLock { (total - $0.count, $0.again, $0.strange) }
    }

    func note(_ messages: [ReceivedMessage]) {
        let now = croofline_now()
        state.withLock { state in
            if state.first == 0 { state.first = now }
            state.last = now
            for message in messages {
                let (run, number) = message.withBody { body -> (UInt64, Int) in
                    guard body.byteCount >= Numbered.stampByteCount else { return (0, 0) }
                    return (
                        body.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self),
                        body.unsafeLoadUnaligned(fromByteOffset: 8, as: Int.self)
                    )
                }
                guard run == self.run, state.hasCome.indices.contains(number) else {
                    state.strange += 1
                    continue
                }
                if state.hasCome[number] { state.again += 1 } else { state.count += 1 }
                state.hasCome[number] = true
            }
        }
    }
}
