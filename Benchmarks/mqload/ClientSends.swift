// What an application does with a producer, as fast as it goes.

import ApusClient
import Bench
import CRoofline
import Histogram
import Synchronization

/// Sends through a producer for a while, and counts what was acknowledged.
final class ClientSends: Sendable {
    private struct State {
        var failed = 0
        var complaint: String?
        /// Of sends in tasks.
        var latency = Histogram()
    }

    /// For a pipeline the same again and again, as the generator sends one frame: it is copied
    /// at once.
    private let message: Message
    private let state = Mutex(State())
    // Has no partner: read when nothing is under way.
    private let stored = Atomic(0)

    init(topic: String, body: Int) {
        message = Message([UInt8](repeating: 1, count: body), to: topic, tag: "load")
    }

    /// For tasks one of its own each time: one body for all would be counted by all threads.
    private var fresh: Message {
        Message([UInt8](repeating: 1, count: message.body.count), to: message.topic, tag: "load")
    }

    var acknowledged: Int { stored.load(ordering: .relaxed) }
    var failed: Int { state.withLock { $0.failed } }
    var complaint: String? { state.withLock { $0.complaint } }
    var latency: Histogram { state.withLock { $0.latency } }

    /// Through a pipeline: messages a second.
    func throughPipeline(_ producer: Producer, seconds: Double) async throws -> Double {
        let start = croofline_now()
        let end = start + Int64(seconds * 1e9)
        let before = acknowledged
        try await producer.withPipeline { _, result in
            self.note(result.map { _ in })
        } body: { pipeline in
            while croofline_now() < end { try await pipeline.send(self.message) }
        }
        return Double(acknowledged - before) / (Double(croofline_now() - start) / 1e9)
    }

    /// In so many tasks that wait for each answer: messages a second.
    func inTasks(_ producer: Producer, _ count: Int, seconds: Double) async throws -> Double {
        let start = croofline_now()
        let end = start + Int64(seconds * 1e9)
        let before = acknowledged
        await withDiscardingTaskGroup { tasks in
            for _ in 0..<count {
                tasks.addTask { await self.send(producer, until: end) }
            }
        }
        return Double(acknowledged - before) / (Double(croofline_now() - start) / 1e9)
    }

    private func send(_ producer: Producer, until end: Int64) async {
        var latency = Histogram()
        while true {
            let called = croofline_now()
            if called >= end { break }
            do throws(ClientError) {
                try await producer.send(fresh)
                note(.success(()))
            } catch {
                note(.failure(error))
            }
            latency.record(croofline_now() - called)
        }
        let own = latency
        state.withLock { $0.latency.merge(own) }
    }

    private func note(_ result: Result<Void, ClientError>) {
        switch result {
        case .success: stored.wrappingAdd(1, ordering: .relaxed)
        case .failure(let error):
            state.withLock { state in
                state.failed += 1
                state.complaint = state.complaint ?? error.description
            }
        }
    }
}

/// What came of the rounds.
struct ClientRounds {
    var pipeline = RoundRates()
    /// Each a part of what the generator did in its round.
    var tasks: [Double] = []
    /// Of the generator.
    var acknowledged = 0

    func result(_ plan: LoadPlan, _ sends: ClientSends) -> RunResult {
        var result = RunResult(
            "client",
            plan.parameters([("body", .count(plan.body)), ("inFlight", .count(plan.inFlight))]))
        pipeline.fill(&result, byteCount: Double(plan.body))
        result.latency = sends.latency
        result.latencyMeaning = "from a send to its answer, in \(plan.inFlight) tasks"
        result.checked = sends.failed == 0 && sends.acknowledged > 0
        result.more += [
            ("messages", .count(sends.acknowledged)), ("failed", .count(sends.failed)),
            ("tasksRatio", .figure(tasks.median)),
        ]
        if let complaint = sends.complaint { result.notes.append(complaint) }
        result.notes.append(
            "through a pipeline; \(plan.inFlight) tasks that wait for each send reach"
                + " \(Figure.rate(tasks.median)) of the generator")
        return result
    }
}
