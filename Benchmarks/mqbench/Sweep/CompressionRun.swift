// Bodies through a store that compresses them, and back.
//
// A round is a fresh store: messages appended on one thread, at memory speed, then read by queue
// and taken out as a consumer gets them, decompressed. Outside of the clock each of them is held
// against what was sent.

import ApusFormat
import ApusStore
import ApusSystem
import Bench
import CRoofline
import Foundation
import Histogram

/// One case of a compression sweep.
struct CompressionRun {
    let plan: CompressionPlan
    let one: CompressionCase
    /// For appends; reading comes besides.
    let seconds: Double
    private let sent: [[UInt8]]
    private let expected: [[UInt8]]

    private static let segmentByteCount = 128 << 20

    init(plan: CompressionPlan, one: CompressionCase, seconds: Double) {
        self.plan = plan
        self.one = one
        self.seconds = seconds
        // More than the cache next to a processor holds, and enough to tell neighbours apart.
        expected = one.kind.bodies(max(8, min(64, 1 << 20 / one.body)), byteCount: one.body)
        var sent = expected
        if plan.plantsWrongBody { sent[1][0] ^= 1 }
        self.sent = sent
    }

    func measure() throws -> CompressionResult {
        var result = CompressionResult(one, seconds: seconds)
        let workplace = try Workplace(
            parent: plan.parent, needing: 3 * Self.segmentByteCount)
        let rounds = plan.isSmoke ? 1 : 3
        var rates = RoundRates()
        var reading: [Double] = []
        for _ in 0..<rounds {
            try round(workplace, seconds / Double(rounds), &rates, &reading, &result)
        }
        rates.fill(&result.measurement, byteCount: Double(one.body))
        result.readPerSecond = reading.median
        result.measurement.checked = result.measurement.notes.isEmpty
        return result
    }

    private var configuration: StoreConfiguration {
        var configuration = StoreConfiguration.small
        configuration.commitLog.segmentByteCount = Self.segmentByteCount
        configuration.commitLog.populatesWholeSegment = true
        configuration.retention.isEnabled = false
        configuration.compression = one.choice.settings
        configuration.flush.intervalMilliseconds = 600_000
        configuration.flush.markIntervalMilliseconds = 600_000
        configuration.queues.flushIntervalMilliseconds = 600_000
        return configuration
    }

    private func round(
        _ workplace: Workplace, _ seconds: Double, _ rates: inout RoundRates,
        _ reading: inout [Double], _ result: inout CompressionResult
    ) throws {
        let path = workplace.newPath("store")
        defer { workplace.remove(path) }
        let store = try MessageStore.open(path, configuration)
        let queue = try store.queue(topic: SampleMessages.topic)
        try append(0, to: queue, of: store)
        try store.awaitSegment()
        let first = store.published
        let limit = Stopwatch(seconds: seconds)
        // A fifth of the time is for latencies.
        let end = limit.end - Int64(seconds * 2e8)
        let start = croofline_now()
        var now = start
        var count = 1
        // Room for a record at its largest.
        let room = Int64(Self.segmentByteCount - 2 * one.body - 4_096)
        while now < end, store.published < room {
            for number in count..<count + 8 where store.published < room {
                try append(number, to: queue, of: store)
                count = number + 1
            }
            now = croofline_now()
        }
        rates.add(Double(count - 1) * 1e9 / Double(max(1, now - start)), [])
        while now < limit.end, store.published < room {
            let called = now
            try append(count, to: queue, of: store)
            now = croofline_now()
            result.measurement.latency.record(now - called)
            count += 1
        }
        // A store that is full before any time is left for them.
        if result.measurement.latency.count == 0 {
            result.measurement.latency.record(Int64(Double(now - start) / Double(count - 1)))
        }
        result.storedByteCount = Double(store.published - first) / Double(count - 1)
        reading.append(try read(count, queue, store))
        if let complaint = try check(count, queue, store) {
            result.measurement.notes.append(complaint)
        }
    }

    private func append(
        _ number: Int, to queue: MessageQueue, of store: MessageStore
    ) throws {
        let body = sent[number % sent.count]
        try store.append(to: queue, body: body.span.bytes)
    }

    /// Messages a second.
    private func read(
        _ count: Int, _ queue: MessageQueue, _ store: MessageStore
    ) throws -> Double {
        let start = croofline_now()
        var next: Int64 = 0
        while next < count {
            let batch = try store.read(queue, from: next, count: 32, byteCount: 4 << 20)
            guard try batch.messages().count > 0 else { break }
            next = batch.nextOffset
        }
        return Double(next) * 1e9 / Double(max(1, croofline_now() - start))
    }

    /// What is wrong with the messages; nil when all are as they were sent.
    private func check(
        _ count: Int, _ queue: MessageQueue, _ store: MessageStore
    ) throws -> String? {
        var next = 0
        while next < count {
            let batch = try store.read(queue, from: Int64(next), count: 32, byteCount: 4 << 20)
            let messages = try batch.messages()
            if messages.isEmpty { return "there are \(next) messages, not \(count)" }
            for message in messages {
                guard message.queueOffset == next, message.body == expected[next % expected.count]
                else { return "message \(next) is not what was sent" }
                next += 1
            }
        }
        return nil
    }
}
