// `mqload consume`.

import ApusRemoting
import Bench
import NIOCore

/// Pulls what is there, again and again.
enum ConsumeRun {
    static let command = LoadCommand(
        name: "consume", summary: "pull messages that are there",
        details: """
            Pulls as fast as answers come, each request under way going through a queue
            from a place of its own, and again from its start at the end: the messages
            are in memory. A topic with fewer than --messages is filled first. Offsets
            are not committed. In turns with it a bare server sends as many bytes.
            """,
        examples: [
            "consume --pull 32", "consume --connections 64 --in-flight 1 --body 1k",
            "consume --namesrv 127.0.0.1:9876 --topic orders --messages 1",
        ],
        flags: [
            Flag("--in-flight", "N", "requests under way for each connection; 4"), .body,
            Flag("--pull", "N", "messages asked for in a request; 32"),
            Flag("--messages", "N", "that the topic holds at least; 100000"),
        ],
        measure: { options in
            let plan = try LoadPlan(options, inFlight: 4)
            return try await LoadedBroker.with(plan) { try await measure(plan, $0, $1) }
        })

    /// The queues with messages in them, of each broker.
    private static func queues(
        _ broker: LoadedBroker
    ) async throws -> [[(queue: Int, offsets: Range<Int64>)]] {
        var found: [[(queue: Int, offsets: Range<Int64>)]] = []
        for address in broker.addresses {
            var own: [(queue: Int, offsets: Range<Int64>)] = []
            for queue in 0..<broker.queues {
                let offsets = try await broker.offsets(queue: queue, on: address)
                if !offsets.isEmpty { own.append((queue, offsets)) }
            }
            found.append(own)
        }
        return found
    }

    private static func measure(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ group: any EventLoopGroup
    ) async throws -> RunResult {
        var queues = try await queues(broker)
        let held = queues.joined().reduce(0) { $0 + $1.offsets.count }
        if held < plan.messages {
            try await ProduceRun.fill(
                plan, broker, messages: plan.messages - held, group: group)
            queues = try await Self.queues(broker)
        }
        guard queues.allSatisfy({ !$0.isEmpty }) else {
            throw BenchError("a broker has no message of \(broker.topic)")
        }
        let pulls = PullPlan(
            topic: broker.topic, count: plan.pull, serialization: plan.serialization)
        let slots = plan.inFlight
        let all = queues
        let crowd = try await Crowd.connect(
            plan.connections, to: try broker.places(), group: group
        ) { number, times in
            let own = all[number % all.count]
            let places = (0..<slots).map { slot in
                let one = own[(number + slot) % own.count]
                let start = Int64(one.offsets.count) * Int64(slot) / Int64(slots)
                return PullPlace(
                    queue: one.queue, first: one.offsets.lowerBound,
                    offset: one.offsets.lowerBound + start)
            }
            return PullConversation(pulls, places: places, times)
        }
        var rounds = Rounds(plan, name: "consume")
        try await rounds.run(crowd, group: group)
        return rounds.measurement(
            [
                ("body", .count(plan.body)), ("pull", .count(plan.pull)),
                ("inFlight", .count(plan.inFlight)),
            ], byteCount: Double(plan.body))
    }
}
