// Spans around sends and handlers, joined by what messages carry: the one file that knows
// swift-distributed-tracing.

internal import Tracing

/// Makes spans, where somebody traces.
struct ClientTracing: Sendable {
    private let tracer: any Tracer

    /// Nil where nobody traces: neither `tracer` is given, nor a global one set up.
    init?(_ tracer: (any Tracer)?) {
        let tracer = tracer ?? InstrumentationSystem.tracer
        if tracer is NoOpTracer { return nil }
        self.tracer = tracer
    }

    /// The message with what its consumer needs to go on with the trace.
    func mark(_ message: Message) -> Message {
        guard let context = ServiceContext.current else { return message }
        var marked = message
        tracer.inject(context, into: &marked.properties, using: PropertyInjector())
        return marked
    }

    /// Does `body`, a send of `message`, within a span.
    func sending<Value>(
        _ message: Message, _ body: (Message) async throws(ClientError) -> Value
    ) async throws(ClientError) -> Value {
        let result: Result<Value, ClientError> = await tracer.withSpan(
            "\(message.topic) publish", ofKind: .producer
        ) { span in
            span.attributes["messaging.system"] = "rocketmq"
            span.attributes["messaging.operation"] = "publish"
            span.attributes["messaging.destination.name"] = message.topic
            do throws(ClientError) { return .success(try await body(mark(message))) } catch {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error, message: error.reason))
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Does `body`, the handling of messages of which `first` is one, within a span.
    func handling<Value>(
        _ first: ReceivedMessage, group: String, _ body: () async -> (Value, (any Error)?)
    ) async -> Value {
        var context = ServiceContext.current ?? .topLevel
        tracer.extract(first.properties, into: &context, using: PropertyExtractor())
        return await tracer.withSpan(
            "\(first.topic) process", context: context, ofKind: .consumer
        ) { span in
            span.attributes["messaging.system"] = "rocketmq"
            span.attributes["messaging.operation"] = "process"
            span.attributes["messaging.destination.name"] = first.topic
            span.attributes["messaging.consumer.group.name"] = group
            span.attributes["messaging.message.id"] = first.id
            let (value, error) = await body()
            if let error {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error))
            }
            return value
        }
    }
}

private struct PropertyInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key] = value
    }
}

private struct PropertyExtractor: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}
