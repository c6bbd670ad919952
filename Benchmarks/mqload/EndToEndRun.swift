// `mqload end-to-end`.

import ApusRemoting
import Bench
import CRoofline
import Histogram
import NIOCore

/// Sends at a rate, and has consumers wait for each message.
enum EndToEndRun {
    static let command = LoadCommand(
        name: "end-to-end", summary: "from a send to a consumer that waits for it",
        details: """
            Sends at a rate, while a pull waits at the end of each queue. The latency of a
            message counts from when its send was due to when its bytes have come back.
            Every message that was acknowledged must be delivered.
            """,
        examples: [
            "end-to-end --rate 1000", "end-to-end --rate 20000 --body 1k --seconds 30",
        ],
        flags: [
            Flag("--rate", "N", "messages a second in all; 1000"),
            Flag("--body", "N", "bytes of a body, 16 at least; 128"), .inFlight,
        ],
        measure: { options in
            let plan = try LoadPlan(options, rate: 1_000)
            guard plan.rate > 0 else { throw UsageError("end-to-end needs a rate") }
            guard plan.body >= SendPlan.stampByteCount else {
                throw UsageError(
                    "end-to-end needs bodies of \(SendPlan.stampByteCount) bytes or more")
            }
            return try await LoadedBroker.with(plan) { try await measure(plan, $0, $1) }
        })

    private static func measure(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ group: any EventLoopGroup
    ) async throws -> RunResult {
        let stamp = UInt64.random(in: .min ... .max)
        let consumers = try await consumers(plan, broker, stamp, group)
        let producers = try await Crowd.senders(
            plan.connections, SendPlan(plan, broker, batch: 1, stamp: stamp),
            inFlight: plan.inFlight, to: broker, group: group)
        let waiting = try await consumers.begin(seconds: plan.seconds * 2 + 60)
        // Until the pulls wait.
        try await Task.sleep(for: .milliseconds(50))
        let shown = Task {
            while !Task.isCancelled, plan.seconds > 2 {
                let share = Double(croofline_now() - waiting.start) / plan.seconds / 1e9
                Console.progress("end-to-end: \(min(100, Int(share * 100))) %")
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        defer { shown.cancel() }
        let sent = try await producers.run(seconds: plan.seconds, rate: Double(plan.rate))
        // What was acknowledged last is on its way.
        try await Task.sleep(for: .milliseconds(500))
        consumers.cut()
        return result(plan, sent, try await waiting.result())
    }

    /// One connection for each broker and some of its queues, with a pull for each of them.
    private static func consumers(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ stamp: UInt64, _ group: any EventLoopGroup
    ) async throws -> Crowd<PullConversation> {
        let pulls = PullPlan(
            topic: broker.topic, count: 32, serialization: plan.serialization,
            waitMilliseconds: 15_000, stamp: stamp)
        let each = min(broker.queues, max(1, plan.connections / broker.addresses.count))
        var places: [[PullPlace]] = []
        for number in 0..<each * broker.addresses.count {
            let address = broker.addresses[number % broker.addresses.count]
            let first = number / broker.addresses.count
            var own: [PullPlace] = []
            for queue in stride(from: first, to: broker.queues, by: each) {
                let end = try await broker.offsets(queue: queue, on: address).upperBound
                own.append(PullPlace(queue: queue, first: end, offset: end))
            }
            places.append(own)
        }
        let all = places
        return try await Crowd.connect(
            all.count, to: try broker.places(), group: group
        ) { PullConversation(pulls, places: all[$0], $1) }
    }

    private static func result(
        _ plan: LoadPlan, _ sent: PhaseResult, _ got: PhaseResult
    ) -> RunResult {
        var all = sent.tally
        for (code, count) in got.tally.refused { all.refused[code, default: 0] += count }
        all.complaint = all.complaint ?? got.tally.complaint
        var times = sent.times
        times.latency = got.times.latency
        var result = RunResult(
            "end-to-end",
            plan.parameters([("body", .count(plan.body)), ("rate", .count(plan.rate))]))
        result.messagesPerSecond = sent.messagesPerSecond
        result.megabytesPerSecond = sent.messagesPerSecond * Double(plan.body) / 1e6
        result.fill(all, times)
        result.latencyMeaning =
            "of a message: from when its send was due to its bytes at the consumer"
        let lost = all.messages - Int(times.latency.count)
        if lost > 0 {
            result.checked = false
            result.notes.append("acknowledged and not delivered within 0.5 s: \(lost)")
        }
        let send = [50, 99].map { Figure.duration(sent.times.latency.value(atPercentile: $0)) }
        result.notes.append("sends alone, due to acknowledged: p50 \(send[0]), p99 \(send[1])")
        return result
    }
}
