// `mqload end-to-end`.

import ApusRemoting
import Bench
import CRoofline
import Histogram
import NIOCore
import NIOPosix

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
        measure: { try await measure(LoadPlan($0, rate: 1_000)) })

    private static func measure(_ plan: LoadPlan) async throws -> RunResult {
        guard plan.rate > 0 else { throw UsageError("end-to-end needs a rate") }
        guard plan.body >= SendPlan.stampByteCount else {
            throw UsageError("end-to-end needs bodies of \(SendPlan.stampByteCount) bytes or more")
        }
        let broker = try await LoadedBroker.open(plan)
        do {
            let result = try await measure(plan, broker)
            await broker.close()
            return result
        } catch {
            await broker.close()
            throw error
        }
    }

    private static func measure(
        _ plan: LoadPlan, _ broker: LoadedBroker
    ) async throws -> RunResult {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        let stamp = UInt64.random(in: .min ... .max)
        let consumers = try await consumers(plan, broker, stamp, group)
        let sends = SendPlan(
            topic: broker.topic, queues: broker.queues, bodyByteCount: plan.body, batch: 1,
            serialization: plan.serialization, stamp: stamp)
        let slots = plan.inFlight
        let producers = try await Crowd.connect(
            plan.connections, to: try broker.socketAddresses(), group: group
        ) { SendConversation(sends, slots: slots, number: $0) }
        let start = croofline_now()
        let waiting = consumers.begin(
            at: start, end: start + Int64((plan.seconds * 2 + 60) * 1e9))
        // Until the pulls wait.
        try await Task.sleep(for: .milliseconds(50))
        let shown = Task {
            while !Task.isCancelled, plan.seconds > 2 {
                let share = Double(croofline_now() - start) / plan.seconds / 1e9
                Console.progress("end-to-end: \(min(100, Int(share * 100))) %")
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        let sent = try await producers.run(seconds: plan.seconds, rate: Double(plan.rate))
        // What was acknowledged last is on its way.
        try await Task.sleep(for: .milliseconds(500))
        shown.cancel()
        consumers.cut()
        let got = try await Crowd<PullConversation>.sum(waiting)
        await producers.close()
        await consumers.close()
        try await group.shutdownGracefully()
        return result(plan, sent, got)
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
            all.count, to: try broker.socketAddresses(), group: group
        ) { PullConversation(pulls, places: all[$0]) }
    }

    private static func result(
        _ plan: LoadPlan, _ sent: PhaseResult, _ got: Tally
    ) -> RunResult {
        var all = sent.tally
        for (code, count) in got.refused { all.refused[code, default: 0] += count }
        all.complaint = all.complaint ?? got.complaint
        all.latency = got.latency
        var result = RunResult(
            "end-to-end",
            plan.parameters([("body", .count(plan.body)), ("rate", .count(plan.rate))]))
        result.messagesPerSecond = sent.messagesPerSecond
        result.megabytesPerSecond = sent.messagesPerSecond * Double(plan.body) / 1e6
        result.fill(all)
        result.latencyMeaning =
            "of a message: from when its send was due to its bytes at the consumer"
        let lost = all.messages - Int(got.latency.count)
        if lost > 0 {
            result.checked = false
            result.notes.append("acknowledged and not delivered within 0.5 s: \(lost)")
        }
        let send = [50, 99].map { Figure.duration(sent.tally.latency.value(atPercentile: $0)) }
        result.notes.append("sends alone, due to acknowledged: p50 \(send[0]), p99 \(send[1])")
        return result
    }
}
