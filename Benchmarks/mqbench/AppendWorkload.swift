// `mqbench store append`: what an append costs.
//
// At memory speed, rounds of the store, of the C loop and of a bare copy take turns. All write into
// files in one directory with the same length, allocated, mapped and populated before the clock
// starts, and as many messages. The clock runs around the appends only: not around preparing,
// checking and removing. The latencies are of a part of its own at the end of each round, since a
// look at the clock for each message costs a good part of what is measured.

import ApusStore
import Bench
import CAllocationCounter
import Foundation
import Histogram

/// Appending.
enum AppendWorkload {
    static let workload = Workload(
        name: "append",
        summary: "append messages, single or in batches, async or sync",
        details: """
            Appends messages as fast as it goes, or at a rate, and holds the rate against
            that of a loop in C that writes the same records, in rounds that take turns.
            """,
        examples: [
            "append --body 128 --writers 1 --flush async --seconds 5 --json",
            "append --body 1k --batch 32",
            "append --flush sync --in-flight 64",
            "append --rate 100000",
            "append --sustained --rate 500000 --retention --seconds 90",
            "append --sustained --of-peak 0.7 --retention --used-memory",
            "append --body 4k --sustained --retention --used-memory",
        ],
        flags: [
            Flag("--body", "BYTES", "bytes of a body; 128"),
            Flag("--writers", "N", "threads that append; 1"),
            Flag("--queues", "N", "queues, one of which is drawn for each call; 1"),
            Flag("--keys", "N", "keys of each message, which are indexed; 0"),
            Flag("--tags", "N", "different tags, 0 to 16; 1"),
            Flag("--batch", "N", "messages in one append; 1"),
            Flag("--flush", "MODE", "async or sync; async"),
            Flag("--in-flight", "N", "with sync: appends that wait at a time; 1"),
            Flag("--writer", "KIND", "auto, mapped or page-aligned; auto"),
            Flag("--no-zeroes", nil, "write no zeros ahead of a page-aligned writer"),
            Flag("--rate", "N", "messages a second, evenly; latencies count from when due"),
            Flag("--of-peak", "SHARE", "with --sustained: a rate, of what the device takes"),
            Flag("--segment", "BYTES", "bytes of a CommitLog file, a round; 256m"),
            Flag("--sustained", nil, "one long run, flushed as usual, against the device"),
            Flag("--retention", nil, "with --sustained: old files are deleted as usual"),
            Flag("--used-memory", nil, "with --sustained: fill memory with a file first"),
        ],
        measure: { options in
            let plan = try AppendPlan(options)
            if plan.isSync { return try SyncRun(plan: plan).measure() }
            if plan.isSustained { return try SustainedRun(plan: plan).measure() }
            return try measureAtMemorySpeed(plan)
        })

    static func measureAtMemorySpeed(_ plan: AppendPlan) throws -> RunResult {
        let messages = SampleMessages(
            bodyByteCount: plan.body, tagCount: plan.tags, keyCount: plan.keys)
        let workplace = try Workplace(
            parent: plan.settings.parent, needing: 4 * plan.segmentByteCount)
        var run = MemoryRun(plan: plan, messages: messages, workplace: workplace)
        let limit = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("append: \(Int(limit.share * 100)) %")
            try run.round()
        } while !(limit.isOver && (run.rounds >= 3 || plan.settings.isSmoke))
        return run.measurement
    }
}

/// Rounds at memory speed, and what they found.
struct MemoryRun {
    let plan: AppendPlan
    let messages: SampleMessages
    let workplace: Workplace
    private(set) var rounds = 0
    private var rates = RoundRates()
    private var latency = Histogram()
    private var allocations: Int64 = 0
    private var counted = 0
    private var complaints: [String] = []
    /// Of a processor, in this round: the store's loop and the one in C; 0 where not measured.
    private var processorTimes: (own: Int64, c: Int64) = (0, 0)
    private var processorRatios: [Double] = []
    /// Bytes, of the first round: later ones use what it gave back.
    private var memoryPerQueue: Double?

    init(plan: AppendPlan, messages: SampleMessages, workplace: Workplace) {
        self.plan = plan
        self.messages = messages
        self.workplace = workplace
    }

    /// One turn of the store, the C loop and the copy; who begins changes.
    mutating func round() throws {
        let total = plan.roundCount(recordByteCount: messages.recordByteCount)
        let share = plan.batch * plan.writers
        // A fifth of the round is for latencies.
        let timed = plan.rate > 0 ? 0 : max(1, total / 5 / share) * share
        let count = max(share, total - timed)
        var other: [(String, Double)] = []
        if rounds % 2 == 1 { other = try rooflines(count) }
        let rate = try plan.rate > 0 ? pacedRound(total) : storeRound(count, timed: timed)
        if rounds % 2 == 0 { other = try rooflines(count) }
        rates.add(rate, other)
        if plan.writers == 1, plan.rate == 0, processorTimes.own > 0 {
            processorRatios.append(Double(processorTimes.c) / Double(processorTimes.own))
        }
        rounds += 1
    }

    private mutating func storeRound(_ count: Int, timed: Int) throws -> Double {
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: plan.queues)
        try round.warmUp(plan.warmUpCount, awaitsSegment: true)
        if rounds == 0, plan.queues >= 1_000 { memoryPerQueue = round.memoryPerQueue }
        let (outcomes, nanoseconds) = try crew(round, count) { try $0.run() }
        for outcome in outcomes {
            allocations = outcome.allocations < 0 ? -1 : allocations + outcome.allocations
        }
        counted += count
        processorTimes.own = outcomes[0].processorNanoseconds
        let (more, _) = try crew(round, timed) { try $0.runTimed(interval: 0) }
        for outcome in more { latency.merge(outcome.latency) }
        check(round)
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    private mutating func pacedRound(_ total: Int) throws -> Double {
        let share = plan.batch * plan.writers
        let wanted = Int(Double(plan.rate) * plan.settings.seconds / 3) / share * share
        let count = max(share, min(total, wanted))
        let interval = plan.interval
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: plan.queues)
        try round.warmUp(plan.warmUpCount, awaitsSegment: true)
        let (outcomes, nanoseconds) = try crew(round, count) {
            try $0.runTimed(interval: interval)
        }
        for outcome in outcomes { latency.merge(outcome.latency) }
        check(round)
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    private func crew(
        _ round: StoreRound, _ count: Int,
        _ work: @escaping @Sendable (AppendTask) throws -> AppendOutcome
    ) throws -> (outcomes: [AppendOutcome], nanoseconds: Int64) {
        let each = count / plan.writers
        let first = round.appended
        let tasks = (0..<plan.writers).map { writer in
            round.task(
                first: first + writer * each, count: each, batch: plan.batch,
                plantsAllocation: plan.settings.plantsAllocation)
        }
        let result = try Crew.run(plan.writers) { try work(tasks[$0]) }
        round.appended += each * plan.writers
        return result
    }

    private mutating func check(_ round: StoreRound) {
        // All of it once, then the ends.
        if let complaint = round.check(lastOfEachQueue: rounds == 0 ? .max : 1_000) {
            complaints.append(complaint)
        }
    }

    private mutating func rooflines(_ count: Int) throws -> [(String, Double)] {
        let c = try RooflineRound(
            workplace, messages: messages, segmentByteCount: plan.segmentByteCount, count: count,
            queues: plan.writers > 1 ? 1 : plan.queues)
        let appending = try c.append(
            count, batch: plan.batch, writers: plan.writers, first: plan.warmUpCount)
        if rounds == 0, !c.check(count) { complaints.append("the C loop's log is not right") }
        processorTimes.c = c.processorNanoseconds
        let copying = c.copy(count)
        guard let appending, let copying else {
            throw BenchError("the C loop's log is full too early")
        }
        let name =
            plan.writers == 1
            ? "C loop" : "C loop, \(plan.writers) threads" + (plan.queues > 1 ? ", one queue" : "")
        return [
            (name, Double(count) * 1e9 / Double(appending)),
            ("memcpy, one thread", Double(count) * 1e9 / Double(copying)),
        ]
    }

    var measurement: RunResult {
        var result = RunResult("append", plan.parameters)
        rates.fill(&result, byteCount: Double(messages.recordByteCount))
        result.latency = latency
        result.latencyMeaning = plan.latencyMeaning
        if counted > 0, allocations >= 0 {
            result.allocationsPerMessage = Double(allocations) / Double(counted)
        }
        if !processorRatios.isEmpty {
            let ratio = processorRatios.median
            result.processorTimeRatio = ratio
            result.notes.append(
                "by processor time of the thread alone, "
                    + String(format: "%.2f of the C loop", ratio)
            )
        }
        if let memoryPerQueue {
            result.more.append(("bytesPerQueue", .count(Int(memoryPerQueue))))
            result.notes.append(
                "memory beside pages of files: \(Int(memoryPerQueue)) bytes a queue")
        }
        result.checked = complaints.isEmpty
        result.notes += complaints
        result.notes.append(
            "log of the store and of the C loop: same directory and length, allocated, mapped and"
                + " populated before the clock starts; nothing is flushed meanwhile")
        return result
    }
}
