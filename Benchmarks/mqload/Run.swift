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
    private var rates = RoundRates()
    private var echoLatency = Histogram()

    init(_ plan: LoadPlan, name: String) {
        self.plan = plan
        self.name = name
    }

    /// Runs `crowd` and, in turns with it, as many connections to a server that does nothing.
    /// `warm` is what a first, uncounted phase of the crowd came to: the roofline has the same
    /// sizes. A request stands for `messages`.
    mutating func run<Talk: Conversation>(
        _ crowd: Crowd<Talk>, warm: Tally, messages: Int, group: any EventLoopGroup
    ) async throws {
        let rate = Double(plan.rate)
        guard plan.hasRoofline, warm.requests > 0 else {
            return add(try await crowd.run(seconds: plan.seconds, rate: rate), nil)
        }
        let server = try await EchoServer.start(
            answerByteCount: warm.bytesIn / warm.requests, threads: plan.brokerThreads)
        let byteCount = warm.bytesOut / warm.requests
        let slots = plan.inFlight
        let echo = try await Crowd.connect(
            plan.connections, to: [server.address], group: group
        ) { _ in EchoConversation(byteCount: byteCount, messages: messages, slots: slots) }
        _ = try await echo.run(seconds: plan.seconds * 0.02)
        let count = max(1, Int(plan.seconds / 0.8))
        for round in 0..<count {
            if plan.seconds > 2 { progress(round, of: count) }
            let share = plan.seconds / Double(count)
            let load = try await crowd.run(seconds: share * 0.7, rate: rate)
            add(load, try await echo.run(seconds: share * 0.3, rate: rate))
            if load.tally.complaint != nil { break }
        }
        await echo.close()
        try await server.stop()
    }

    /// Counts a first phase after which there are no rounds, since something failed in it.
    mutating func count(failed warm: Tally) { all.merge(warm) }

    private func progress(_ round: Int, of count: Int) {
        Console.progress(
            "\(name): \(round * 100 / count) %, \(all.messages) messages, \(all.failures) failed")
    }

    private mutating func add(_ load: PhaseResult, _ echo: PhaseResult?) {
        all.merge(load.tally)
        if let echo { echoLatency.merge(echo.tally.latency) }
        rates.add(
            load.messagesPerSecond,
            echo.map { [("bare server, same sizes", $0.messagesPerSecond)] } ?? [])
    }

    /// The result; `byteCount` bytes of body are counted for each message.
    func measurement(
        _ parameters: [(String, JSONValue)], byteCount: Double, latency meaning: String
    ) -> RunResult {
        var result = RunResult(name, plan.parameters(parameters))
        rates.fill(&result, byteCount: byteCount)
        result.fill(all)
        result.latencyMeaning = meaning
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

extension RunResult {
    /// Counts and latencies of what was asked. A request that failed makes the result wrong.
    mutating func fill(_ tally: Tally) {
        latency = tally.latency
        checked = tally.failures == 0 && tally.complaint == nil && tally.messages > 0
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
        if tally.messages == 0 { notes.append("nothing was acknowledged or delivered") }
        if tally.unsent > 0 {
            notes.append(
                "the rate was not kept: \(tally.unsent) requests were due and not sent, and are in"
                    + " no latency")
        }
        if tally.lateness.count > 0 {
            let late = [50, 99].map { Figure.duration(tally.lateness.value(atPercentile: $0)) }
            notes.append(
                "requests left \(late[0]) (p50) and \(late[1]) (p99) after they were due: part of"
                    + " the latencies")
        }
    }
}
