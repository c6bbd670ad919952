// `mqbench store tail`: from an append to its message read by queue offset.
//
// Each body begins with the time at which its append was called, as the stamp that the C loop hands
// over is taken; with --rate it is the time at which it was due, so that stalls count.
// A reader that spins asks for the end of the queue again and again; one that waits sleeps until
// publication wakes it.

import ApusStore
import ApusSystem
import Bench
import CAllocationCounter
import CRoofline
import Foundation
import Histogram
import Synchronization

/// Following a queue.
enum TailWorkload {
    static let workload = Workload(
        name: "tail",
        summary: "from an append to its message read by queue offset",
        details: """
            Appends messages at a rate while a reader follows the queue. spin: the reader is
            another thread that asks all the time, against handing a stamp over in a cache
            line in C. wait: it sleeps until it is woken. same: the thread that appends
            reads the message at once. The ratio is the C loop's median by the store's.
            """,
        examples: ["tail", "tail --mode wait --rate 1000", "tail --mode same --json"],
        flags: [
            Flag("--mode", "MODE", "spin, wait or same; spin"),
            Flag("--rate", "N", "messages a second, latencies from when due; 20000"),
            Flag("--body", "BYTES", "bytes of a body; 128"),
        ],
        measure: { options in try TailRun(options).measure() })
}

/// One run of a writer and a reader.
struct TailRun: Sendable {
    let plan: StorePlan
    let mode: String
    let rate: Int
    /// Whether latencies count from when an append is due.
    let countsFromDue: Bool

    init(_ options: Options) throws {
        plan = try StorePlan(options, body: 128)
        mode = try options.choice("--mode", ["spin", "wait", "same"])
        rate = try options.number("--rate", 20_000, in: 1...10_000_000)
        countsFromDue = options.text("--rate") != nil
    }

    func measure() throws -> RunResult {
        var result = RunResult(
            "tail",
            [
                ("mode", .string(mode)), ("rate", .count(rate)), ("body", .count(plan.body)),
                ("seconds", .figure(plan.settings.seconds)),
            ])
        result.latencyMeaning =
            "from when the append is \(countsFromDue ? "due" : "called") to the message read"
        let workplace = try plan.workplace()
        let messages = SampleMessages(bodyByteCount: plan.body)
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: 1)
        try round.warmUp(1, awaitsSegment: false)
        let count = max(1_000, Int(Double(rate) * plan.settings.seconds * 0.7))
        let c = try handOver(min(count, 200_000))
        let store = round.store
        let queue = round.queues[0]
        let start = croofline_now()
        let outcome: (latency: Histogram, wrong: Int)
        if mode == "same" {
            outcome = try appendAndRead(store, queue, count)
        } else {
            let (all, _) = try Crew.run(2) { member in
                if member == 0 {
                    try append(store, queue, count)
                    return (latency: Histogram(), wrong: 0)
                }
                return try follow(store, queue, count)
            }
            outcome = all.first { $0.latency.count > 0 } ?? all[0]
        }
        let seconds = Double(croofline_now() - start) / 1e9
        result.latency = outcome.latency
        result.messagesPerSecond = Double(count) / seconds
        let size = Double(messages.recordByteCount)
        result.megabytesPerSecond = result.messagesPerSecond * size / 1e6
        let own = Double(max(1, outcome.latency.value(atPercentile: 50)))
        result.rooflines = [
            Roofline(
                name: "hand-over in C, \(Figure.duration(Int64(c))) at the median",
                messagesPerSecond: result.messagesPerSecond,
                megabytesPerSecond: result.megabytesPerSecond, ratio: c / own)
        ]
        let found = Int(outcome.latency.count)
        result.checked = found == count && outcome.wrong == 0
        if !result.checked { result.notes.append("\(found) of \(count), \(outcome.wrong) wrong") }
        result.notes.append("the ratio is of median latencies; the rate is set")
        return result
    }

    /// The median time of a hand-over in C, at the same rate.
    private func handOver(_ count: Int) throws -> Double {
        let latencies = UnsafeMutablePointer<Int64>.allocate(capacity: count)
        defer { latencies.deallocate() }
        let code = croofline_hand_over(Int64(count), 1_000_000_000 / Int64(rate), latencies)
        guard code == 0 else { throw BenchError("no second thread: \(code)") }
        return (0..<count).map { Double(latencies[$0]) }.median
    }

    private func append(_ store: MessageStore, _ queue: MessageQueue, _ count: Int) throws {
        var writer = StampedWriter(
            plan.body, interval: 1_000_000_000 / Int64(rate), stampsDue: countsFromDue)
        for _ in 0..<count { try writer.append(to: queue, of: store) }
    }

    private func follow(
        _ store: MessageStore, _ queue: MessageQueue, _ count: Int
    ) throws -> (latency: Histogram, wrong: Int) {
        var latency = Histogram()
        var wrong = 0
        var next: Int64 = 1
        let end = Int64(count) + 1
        while next < end {
            if mode == "wait" {
                guard try store.wait(for: queue, offset: next, timeoutMilliseconds: 10_000) else {
                    throw BenchError("message \(next) never comes")
                }
            } else {
                while try store.maximumOffset(queue) <= next {}
            }
            try read(store, queue, &next, &latency, &wrong)
        }
        return (latency, wrong)
    }

    private func appendAndRead(
        _ store: MessageStore, _ queue: MessageQueue, _ count: Int
    ) throws -> (latency: Histogram, wrong: Int) {
        var latency = Histogram()
        var wrong = 0
        var next: Int64 = 1
        var writer = StampedWriter(
            plan.body, interval: 1_000_000_000 / Int64(rate), stampsDue: countsFromDue)
        for _ in 0..<count {
            try writer.append(to: queue, of: store)
            try read(store, queue, &next, &latency, &wrong)
        }
        return (latency, wrong)
    }

    @inline(__always)
    private func read(
        _ store: MessageStore, _ queue: MessageQueue, _ next: inout Int64,
        _ latency: inout Histogram, _ wrong: inout Int
    ) throws {
        let batch = try store.read(queue, from: next)
        batch.forEach { record in
            let stamp = record.body.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
            latency.record(croofline_now() - stamp)
            if record.queueOffset != next || record.body.byteCount != plan.body { wrong += 1 }
            next += 1
        }
    }
}

/// Appends messages that say when they were due, evenly spaced.
private struct StampedWriter {
    private var body: [UInt8]
    private let properties: [UInt8]
    private let interval: Int64
    private let stampsDue: Bool
    private var due = croofline_now()

    init(_ bodyByteCount: Int, interval: Int64, stampsDue: Bool) {
        self.stampsDue = stampsDue
        let messages = SampleMessages(bodyByteCount: bodyByteCount)
        body = Array(messages.bodies.prefix(bodyByteCount))
        properties = Array(messages.properties.prefix(messages.propertiesByteCount))
        self.interval = interval
    }

    mutating func append(to queue: MessageQueue, of store: MessageStore) throws {
        due += interval
        while croofline_now() < due {}
        let stamp = stampsDue ? due : croofline_now()
        body.withUnsafeMutableBytes { $0.storeBytes(of: stamp, as: Int64.self) }
        try store.append(to: queue, body: body.span.bytes, properties: properties.span.bytes)
    }
}
