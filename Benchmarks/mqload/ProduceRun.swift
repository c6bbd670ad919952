// `mqload produce`.

import ApusRemoting
import Bench
import NIOCore

/// Sends, and counts what is acknowledged.
enum ProduceRun {
    static let command = LoadCommand(
        name: "produce", summary: "send messages, single or in batches",
        details: """
            Sends as fast as answers come, with so many requests under way on each
            connection, or at a rate: then latencies count from when a request was
            due. In turns with it a bare server with as many connections, event
            loops and bytes each way says what the machine can do; and with a broker
            of our own that flushes before it acknowledges, the embedded store with as
            many appends under way. In the end the queues must have grown by what was
            acknowledged.
            """,
        examples: [
            "produce --connections 8 --in-flight 32 --body 128",
            "produce --batch 32 --seconds 10",
            "produce --rate 10000 --broker 127.0.0.1:10911",
            "produce --flush sync --connections 64 --in-flight 1",
        ],
        flags: [.inFlight, .body, .batch, Flag("--rate", "N", "requests a second in all")],
        measure: { options in
            let plan = try LoadPlan(options)
            return try await LoadedBroker.with(plan) { try await measure(plan, $0, $1) }
        })

    private static func measure(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ group: any EventLoopGroup
    ) async throws -> RunResult {
        let before = try await broker.endOfAll()
        let crowd = try await Crowd.senders(
            plan.connections, SendPlan(plan, broker, batch: plan.batch), inFlight: plan.inFlight,
            to: broker, group: group)
        let embedded = try broker.embeddedStore(plan)
        var rounds = Rounds(plan, name: "produce", beside: embedded)
        try await ensuring {
            try await rounds.run(crowd, group: group)
        } finally: {
            try embedded?.close()
        }
        var result = rounds.measurement(
            [
                ("body", .count(plan.body)), ("batch", .count(plan.batch)),
                ("inFlight", .count(plan.inFlight)), ("rate", .count(plan.rate)),
            ], byteCount: Double(plan.body))
        let acknowledged = rounds.acknowledged
        let grown = try await growth(of: broker, since: before, wanted: Int64(acknowledged))
        if grown < acknowledged {
            result.checked = false
            result.notes.append(
                "\(acknowledged) messages were acknowledged, and the queues grew by \(grown)")
        }
        return result
    }

    /// What the queues grew by: looked at again for a while when that is less than wanted, since a
    /// broker may acknowledge a message before it has put it into its queue.
    static func growth(
        of broker: LoadedBroker, since before: Int64, wanted: Int64
    ) async throws -> Int64 {
        var grown: Int64 = 0
        for look in 0..<patience {
            if look > 0 { try await Task.sleep(for: .milliseconds(100)) }
            grown = try await broker.endOfAll() - before
            if grown >= wanted { break }
        }
        return grown
    }

    private static let patience = 30

    /// Fills the topic so that its queues hold so many messages more.
    static func fill(
        _ plan: LoadPlan, _ broker: LoadedBroker, messages: Int, group: any EventLoopGroup
    ) async throws {
        // As many as fit into 4 MiB, of which a frame has room for more.
        let batch = max(1, min(32, (4 << 20) / (plan.body + 128)))
        let crowd = try await Crowd.senders(
            broker.addresses.count, SendPlan(plan, broker, batch: batch), inFlight: 8, to: broker,
            group: group)
        var left = messages
        while left > 0 {
            let tally = try await crowd.run(seconds: 0.1).tally
            guard tally.failures == 0, tally.messages > 0 else {
                let codes = tally.refused.keys.map { CodeName.of($0) }.joined(separator: ", ")
                throw BenchError("the topic could not be filled: \(tally.complaint ?? codes)")
            }
            left -= tally.messages
        }
    }
}
