// What a consumer tells of its handler: metrics, spans, and RocketMQ's message trace.

internal import ApusFormat
internal import ApusSystem

/// Watches a handler, where somebody wants to know.
struct HandlerObserver: Sendable {
    let meters: ClientMeters?
    let trace: TraceSender?
    private let tracing: ClientTracing?
    private let group: String
    private let generator: UniqueIDGenerator

    /// Nil where nobody wants to know.
    init?(_ core: ClientCore, group: String) {
        meters = ClientMeters(core.configuration.metrics, group: group)
        trace = TraceSender(core)
        tracing = ClientTracing(core.configuration.tracer)
        self.group = group
        generator = core.identity.generator
        if meters == nil, trace == nil, tracing == nil { return nil }
    }

    /// The same as `handler.handle`, with what is told of it.
    func handle(
        _ messages: ArraySlice<ReceivedMessage>, with handler: Handler
    ) async -> HandlerFailure? {
        guard let first = messages.first else { return nil }
        let start = ContinuousClock.now
        let records = begin(messages)
        let failure: HandlerFailure?
        if let tracing {
            failure = await tracing.handling(first, group: group) {
                let failure = await handler.handle(messages)
                return (failure, failure?.error)
            }
        } else {
            failure = await handler.handle(messages)
        }
        let time = start.duration(to: .now)
        let failed = failure.map { messages.endIndex - $0.from } ?? 0
        meters?.note(first.topic, done: messages.count - failed, failed: failed, in: time)
        end(records, failed: failed, in: time)
        return failure
    }

    private func begin(_ messages: ArraySlice<ReceivedMessage>) -> [TraceRecord.Handling] {
        guard let trace else { return [] }
        let now = TimeSource.system.wallMilliseconds
        let request = generator.next(milliseconds: now)
        let records = messages.map { message in
            TraceRecord.Handling(
                at: now, group: group, request: request, id: message.id,
                times: message.reconsumeTimes, keys: message.keys.joined(separator: " "))
        }
        for record in records { trace.note(.handling(record)) }
        return records
    }

    private func end(_ records: [TraceRecord.Handling], failed: Int, in time: Duration) {
        guard let trace, !records.isEmpty else { return }
        let now = TimeSource.system.wallMilliseconds
        let each = time.milliseconds / Int64(records.count)
        for (place, record) in records.enumerated() {
            let isDone = place < records.count - failed
            trace.note(.handled(record, milliseconds: each, isDone: isDone, at: now))
        }
    }
}
