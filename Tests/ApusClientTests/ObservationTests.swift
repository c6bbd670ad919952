// What clients tell of their work: metrics, spans, RocketMQ's message trace.

import ApusBroker
import ApusFormat
import InMemoryTracing
import Metrics
import MetricsTestKit
import Testing
import Tracing

@testable import ApusClient

@Suite("What clients tell of their work")
struct ObservationTests {
    private static let sent = TraceRecord.Published(
        at: 1, group: "g", topic: "T", id: "ID", tag: "tag", keys: "k1 k2", address: "h:1",
        bodyByteCount: 5, milliseconds: 6, kind: .normal, place: "PLACE", isStored: true)
    private static let handled = TraceRecord.Handling(
        at: 1, group: "g", request: "R", id: "ID", times: 2, keys: "k1")

    @Test("trace records are written as RocketMQ's tools read them")
    func records() {
        func fields(_ record: TraceRecord) -> String {
            record.text.replacing("\u{1}", with: "|").replacing("\u{2}", with: "!")
        }
        #expect(
            fields(.published(Self.sent))
                == "Pub|1|DefaultRegion|g|T|ID|tag|k1 k2|h:1|5|6|0|PLACE|true!")
        #expect(fields(.handling(Self.handled)) == "SubBefore|1|DefaultRegion|g|R|ID|2|k1!")
        #expect(
            fields(.handled(Self.handled, milliseconds: 9, isDone: true, at: 8))
                == "SubAfter|R|ID|9|true|k1|0|8!")
        #expect(
            fields(.handled(Self.handled, milliseconds: 9, isDone: false, at: 8))
                == "SubAfter|R|ID|9|false|k1|4|8!")
        #expect(
            fields(.ended(Self.sent, commits: true, isFromCheck: false))
                == "EndTransaction|1|DefaultRegion|g|T|ID|tag|k1 k2|h:1|2|ID|COMMIT_MESSAGE|false!")
        #expect(TraceRecord.published(Self.sent).words == ["ID", "k1", "k2"])
    }

    @Test("records go together, as many as a message should hold")
    func parts() {
        var long = Self.sent
        long.keys = String(repeating: "k", count: 50_000)
        let few = TraceSender.cut(Array(repeating: .published(long), count: 5))
        #expect(few.map(\.count) == [2, 2, 1])
        let many = TraceSender.cut(Array(repeating: .published(Self.sent), count: 250))
        #expect(many.map(\.count) == [100, 100, 50] && TraceSender.cut([]).isEmpty)
    }

    @Test("the message trace tells of a send and of its handling, found by the message's id")
    func messageTrace() async throws {
        try await withSystem {
            $0.topics.hasTraceTopic = true
        } _: { system in
            var client = system.client
            client.traceTopic = "RMQ_SYS_TRACE_TOPIC"
            let receipt = try await Producer(ProducerConfiguration(client)).running {
                try await $0.send(Message("x", to: "Orders", tag: "new", keys: ["k"]))
            }
            let heard = Heard()
            let traced = client
            let consumer = try PushConsumer(system.consumer { $0.client = traced }) {
                heard.note($0)
            }
            try await consuming(consumer) { try await eventually("it came") { heard.count == 1 } }
            let traces = try await allMessages(system, "RMQ_SYS_TRACE_TOPIC")
            #expect(traces.allSatisfy { $0.keys.contains(receipt.id) && $0.keys.contains("k") })
            let records = traces.map(\.text).joined().split(separator: "\u{2}")
            let kinds = records.map { $0.split(separator: "\u{1}").first.map { String($0) } }
            #expect(Set(kinds) == ["Pub", "SubBefore", "SubAfter"] && kinds.count == 3)
        }
    }

    @Test("messages that were sent and consumed are counted and timed, by topic and group")
    func metrics() async throws {
        try await withSystem { system in
            let metrics = TestMetrics()
            var client = system.client
            client.metrics = metrics
            try await Producer(ProducerConfiguration(client)).running { producer in
                try await producer.send(Message("1", to: "Orders"))
                try await producer.withPipeline { _, _ in
                } body: {
                    _ = try await $0.send(Message("2", to: "Orders"))
                }
                try await producer.send(batch: [Message("3", to: "Orders")])
            }
            let heard = Heard()
            let measured = client
            let consumer = try PushConsumer(system.consumer { $0.client = measured }) { message in
                heard.note(message)
                if message.text == "3" { throw ConsumeAgain() }
            }
            let group = [("topic", "Orders"), ("group", "readers")]
            try await consuming(consumer) {
                try await eventually("all are counted") {
                    (try? metrics.expectCounter("apus_client_consumed_failures", group))?.values
                        == [1]
                }
                try await eventually("the lag is told") {
                    (try? metrics.expectGauge("apus_client_lag_messages", [("group", "readers")]))
                        != nil
                }
            }
            let sent = try metrics.expectCounter(
                "apus_client_sent_messages", [("topic", "Orders")])
            let consumed = try metrics.expectCounter("apus_client_consumed_messages", group)
            let times = try metrics.expectTimer("apus_client_consumed_duration", group)
            #expect(sent.totalValue == 3 && consumed.totalValue == 2 && times.values.count == 3)
        }
    }

    @Test("a handler's span goes on with the trace of the send")
    func spans() async throws {
        try await withSystem { system in
            let tracer = InMemoryTracer()
            var client = system.client
            client.tracer = tracer
            try await Producer(ProducerConfiguration(client)).running {
                _ = try await $0.send(Message("x", to: "Orders"))
            }
            let heard = Heard()
            let traced = client
            let consumer = try PushConsumer(system.consumer { $0.client = traced }) {
                heard.note($0)
            }
            try await consuming(consumer) { try await eventually("it came") { heard.count == 1 } }
            let spans = tracer.finishedSpans
            #expect(spans.map(\.operationName) == ["Orders publish", "Orders process"])
            #expect(spans.map(\.kind) == [.producer, .consumer])
            let publish = try #require(spans.first)
            let process = try #require(spans.last)
            #expect(process.traceID == publish.traceID)
            #expect(process.parentSpanID == publish.spanID)
        }
    }
}
