// Single messages by random keys.

import ApusStore
import Bench
import CAllocationCounter
import CRoofline
import Histogram

/// `mqbench store read --mode key`.
struct KeyRun {
    let plan: StorePlan

    func measure() throws -> RunResult {
        let workplace = try plan.workplace()
        let round = try plan.fill(workplace, plan.unflushed, keyCount: 1)
        var result = RunResult("read", plan.parameters([("mode", .string("key"))]))
        result.latencyMeaning = "one query by key, the message copied"
        // The first query waits until the index has caught up.
        _ = try round.store.messages(
            topic: SampleMessages.topic, key: SampleMessages.key(0, number: 0), limit: 1)
        let files = try StoreFilesMapped(store: round.path, withIndex: true)
        var random = Scramble(state: 88_172_645_463_325_252)
        var rates = RoundRates()
        var complaints: [String] = []
        var allocations: Int64 = 0
        var total = 0
        let watch = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("read by key: \(Int(watch.share * 100)) %")
            let numbers = (0..<min(20_000, round.appended)).map { _ in
                Int(random.next() % UInt64(round.appended))
            }
            let keys = numbers.map { SampleMessages.key(0, number: $0) }
            let before = callocationcounter_thread()
            let start = croofline_now()
            var now = start
            for (number, key) in zip(numbers, keys) {
                let called = now
                let found = try round.store.messages(
                    topic: SampleMessages.topic, key: key, limit: 1)
                if found.count != 1 || found[0].queueOffset != number {
                    complaints.append("key \(key) finds \(found.count) messages, not \(number)")
                }
                now = croofline_now()
                result.latency.record(now - called)
            }
            let after = callocationcounter_thread()
            allocations = before < 0 ? -1 : allocations + after - before
            total += keys.count
            guard
                let c = files.lookUp(
                    keys, slotCount: plan.configuration.index.slotCount,
                    entryCapacity: plan.configuration.index.entryCapacity)
            else { throw BenchError("the C loop does not find a key") }
            rates.add(
                Double(keys.count) * 1e9 / Double(now - start),
                [("C loop", Double(keys.count) * 1e9 / Double(c))])
        } while !watch.isOver && complaints.isEmpty
        rates.fill(&result, byteCount: Double(round.messages.recordByteCount))
        if allocations >= 0 { result.allocationsPerMessage = Double(allocations) / Double(total) }
        result.checked = complaints.isEmpty
        result.notes += complaints.prefix(3)
        return result
    }
}

/// G. Marsaglia's xorshift: the same numbers in each run.
struct Scramble {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
