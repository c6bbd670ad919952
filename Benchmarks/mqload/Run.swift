// What all runs have in common: rounds in which the broker and the bare server take turns.

import Bench
import Histogram
import NIOCore
import NIOPosix

/// Rounds of one crowd and its roofline.
struct Rounds {
    let plan: LoadPlan
    let name: String
    private(set) var all = Tally()
    private(set) var times = Times()
    /// In all phases, the first one included.
    private(set) var acknowledged = 0
    private var rates = RoundRates()
    private var echoLatency = Histogram()
    private var echoProblem: String?
    private let embedded: EmbeddedStore?

    /// `embedded` takes a turn as well, if there is one.
    init(_ plan: LoadPlan, name: String, beside embedded: EmbeddedStore? = nil) {
        self.plan = plan
        self.name = name
        self.embedded = embedded
    }

    /// Runs `crowd` and, in turns with it, as many connections to a server that does nothing. A
    /// first phase does not count, by which queues and pages are made, and which says how many
    /// bytes go each way; when something fails in it, there are no others and it counts.
    mutating func run<Talk: Conversation>(
        _ crowd: Crowd<Talk>, group: any EventLoopGroup
    ) async throws {
        let rate = Double(plan.rate)
        let warm = try await crowd.run(seconds: min(0.5, plan.seconds * 0.2), rate: rate)
        guard warm.problem == nil else { return add(warm) }
        acknowledged += warm.tally.messages
        guard plan.hasRoofline else {
            return add(try await crowd.run(seconds: plan.seconds, rate: rate))
        }
        let sizes = warm.tally
        let server = try await EchoServer.start(
            answerByteCount: sizes.bytesIn / sizes.answers, threads: plan.brokerThreads)
        try await ensuring {
            let slots = plan.inFlight
            let echo = try await Crowd.connect(
                plan.connections, to: [Place(server.address)], group: group
            ) { _, _ in
                EchoConversation(byteCount: sizes.bytesOut / sizes.answers, slots: slots)
            }
            _ = try await echo.run(seconds: plan.seconds * 0.02)
            let each = Double(sizes.messages) / Double(sizes.answers)
            try await takeTurns(crowd, echo, messagesPerAnswer: each)
        } finally: {
            try await server.stop()
        }
    }

    private mutating func takeTurns<Talk: Conversation>(
        _ crowd: Crowd<Talk>, _ echo: Crowd<EchoConversation>, messagesPerAnswer: Double
    ) async throws {
        let rate = Double(plan.rate)
        let count = max(1, Int(plan.seconds / 0.8))
        for round in 0..<count {
            if plan.seconds > 2 { progress(round, of: count) }
            let share = plan.seconds / Double(count)
            let load = try await crowd.run(seconds: share * 0.7, rate: rate)
            let bare = try await echo.run(seconds: share * 0.3, rate: rate)
            let own = try await embedded?.run(seconds: share * 0.7)
            add(load, beside: bare, messagesPerAnswer: messagesPerAnswer, embedded: own)
            if load.tally.complaint != nil { break }
        }
    }

    private func progress(_ round: Int, of count: Int) {
        Console.progress(
            "\(name): \(round * 100 / count) %, \(all.messages) messages, \(all.failures) failed")
    }

    /// Counts a round; an answer of the bare server stands for so many messages.
    mutating func add(
        _ load: PhaseResult, beside bare: PhaseResult? = nil, messagesPerAnswer: Double = 1,
        embedded: Double? = nil
    ) {
        all.merge(load.tally)
        times.merge(load.times)
        acknowledged += load.tally.messages
        guard let bare else { return rates.add(load.messagesPerSecond, []) }
        echoLatency.merge(bare.times.latency)
        echoProblem = echoProblem ?? bare.problem
        var others = [("bare server, same sizes", bare.messagesPerSecond * messagesPerAnswer)]
        if let embedded { others.append(("embedded store, as many in flight", embedded)) }
        rates.add(load.messagesPerSecond, others)
    }

    /// The result; `byteCount` bytes of body are counted for each message.
    func measurement(
        _ parameters: [(String, JSONValue)], byteCount: Double
    ) -> RunResult {
        var result = RunResult(name, plan.parameters(parameters))
        rates.fill(&result, byteCount: byteCount)
        result.fill(all, times)
        result.latencyMeaning = plan.latencyMeaning
        if let echoProblem {
            result.checked = false
            result.notes.append("the bare server: \(echoProblem)")
        }
        if echoLatency.count > 0 {
            result.more.append(
                (
                    "rooflineLatencyNanoseconds",
                    .object(
                        RunResult.percentiles.map {
                            ($0.0, .integer(echoLatency.value(atPercentile: $0.1)))
                        })
                ))
        }
        return result
    }
}

/// Does `body` and then `end`, whatever came of it.
func ensuring<Result>(
    _ body: () async throws -> Result, finally end: () async throws -> Void
) async throws -> Result {
    let result: Result
    do { result = try await body() } catch {
        // What went wrong first is what is told.
        try? await end()
        throw error
    }
    try await end()
    return result
}

extension PhaseResult {
    /// Why nothing can be built on it; nil when all went well.
    var problem: String? {
        if let complaint = tally.complaint { return complaint }
        if tally.failures > 0 { return "\(tally.failures) requests failed" }
        return tally.requests == 0 ? "no request was answered with success" : nil
    }
}

extension RunResult {
    /// Counts and latencies of what was asked. A request that failed makes the result wrong, and so
    /// does a run without a message, unless it is one that has none.
    mutating func fill(_ tally: Tally, _ times: Times, hasMessages: Bool = true) {
        latency = times.latency
        let isEmpty = hasMessages && tally.messages == 0
        checked = tally.failures == 0 && tally.complaint == nil && !isEmpty
        let codes = tally.refused.sorted { $0.key < $1.key }
        more += [
            ("requests", .count(tally.requests)), ("messages", .count(tally.messages)),
            ("failed", .count(tally.failures)),
            ("refused", .object(codes.map { (CodeName.of($0.key), .count($0.value)) })),
            ("unanswered", .count(tally.unanswered)), ("unsent", .count(tally.unsent)),
        ]
        for (code, count) in codes { notes.append("refused with \(CodeName.of(code)): \(count)") }
        if tally.unanswered > 0 { notes.append("without an answer: \(tally.unanswered)") }
        if let complaint = tally.complaint { notes.append(complaint) }
        if isEmpty { notes.append("nothing was acknowledged or delivered") }
        if tally.unsent > 0 {
            notes.append(
                "the rate was not kept: \(tally.unsent) requests were due and not sent, and are in"
                    + " no latency")
        }
        if times.lateness.count > 0 {
            let late = [50, 99].map { Figure.duration(times.lateness.value(atPercentile: $0)) }
            notes.append(
                "requests left \(late[0]) (p50) and \(late[1]) (p99) after they were due: part of"
                    + " the latencies")
        }
    }
}
