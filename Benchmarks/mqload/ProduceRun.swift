// `mqload produce`.

import ApusRemoting
import Bench
import NIOCore
import NIOPosix

/// Sends, and counts what is acknowledged.
enum ProduceRun {
    static let command = LoadCommand(
        name: "produce", summary: "send messages, single or in batches",
        details: """
            Sends as fast as answers come, with so many requests under way on each
            connection, or at a rate: then latencies count from when a request was
            due. In turns with it a bare server with as many connections, event
            loops and bytes each way says what the machine can do. In the end the
            queues must have grown by what was acknowledged.
            """,
        examples: [
            "produce --connections 8 --in-flight 32 --body 128",
            "produce --batch 32 --seconds 10",
            "produce --rate 10000 --broker 127.0.0.1:10911",
            "produce --flush sync --connections 64 --in-flight 1",
        ],
        flags: [.inFlight, .body, .batch, Flag("--rate", "N", "requests a second in all")],
        measure: { try await measure(LoadPlan($0)) })

    private static func measure(_ plan: LoadPlan) async throws -> RunResult {
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
        let before = try await broker.endOfAll()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        let sends = SendPlan(
            topic: broker.topic, queues: broker.queues, bodyByteCount: plan.body,
            batch: plan.batch, serialization: plan.serialization)
        let slots = plan.inFlight
        let crowd = try await Crowd.connect(
            plan.connections, to: try broker.socketAddresses(), group: group
        ) { SendConversation(sends, slots: slots, number: $0) }
        // Queues and pages are made by then.
        let warm = try await crowd.run(
            seconds: min(0.5, plan.seconds * 0.2), rate: Double(plan.rate))
        var rounds = Rounds(plan, name: "produce")
        var acknowledged = 0
        if warm.tally.failures == 0 {
            try await rounds.run(crowd, warm: warm.tally, messages: plan.batch, group: group)
            acknowledged = warm.tally.messages
        } else {
            rounds.count(failed: warm.tally)
        }
        acknowledged += rounds.all.messages
        await crowd.close()
        try await group.shutdownGracefully()
        var result = rounds.measurement(
            [
                ("body", .count(plan.body)), ("batch", .count(plan.batch)),
                ("inFlight", .count(plan.inFlight)), ("rate", .count(plan.rate)),
            ], byteCount: Double(plan.body),
            latency: plan.rate > 0
                ? "from when a request was due to its answer"
                : "from a request to its answer, \(plan.inFlight) under way for each connection")
        let grown = try await broker.endOfAll() - before
        if grown < acknowledged {
            result.checked = false
            result.notes.append(
                "\(acknowledged) messages were acknowledged, and the queues grew by \(grown)")
        }
        return result
    }

    /// Fills the topic so that its queues hold so many messages together.
    static func fill(_ plan: LoadPlan, _ broker: LoadedBroker, messages: Int) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sends = SendPlan(
            topic: broker.topic, queues: broker.queues, bodyByteCount: plan.body, batch: 32,
            serialization: plan.serialization)
        let crowd = try await Crowd.connect(
            broker.addresses.count, to: try broker.socketAddresses(), group: group
        ) { SendConversation(sends, slots: 8, number: $0) }
        var left = messages
        while left > 0 {
            let tally = try await crowd.run(seconds: 0.1).tally
            guard tally.failures == 0, tally.messages > 0 else {
                let codes = tally.refused.keys.map { CodeName.of($0) }.joined(separator: ", ")
                throw BenchError("the topic could not be filled: \(tally.complaint ?? codes)")
            }
            left -= tally.messages
        }
        await crowd.close()
        try await group.shutdownGracefully()
    }
}
