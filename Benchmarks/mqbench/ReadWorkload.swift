// `mqbench store read`: a queue from front to back out of memory or from the device, or single
// messages by their key.

import ApusStore
import ApusSystem
import Bench
import CAllocationCounter
import CRoofline
import Foundation
import Histogram

/// Reading.
enum ReadWorkload {
    static let workload = Workload(
        name: "read",
        summary: "read a queue: hot, cold (from the device), or by key",
        details: """
            Fills a store, then reads it and checks each message's checksum. hot: a queue
            from front to back out of the page cache, against a loop in C over the same
            pages. cold: the same after its files left the page cache, against reading
            these files. key: single messages by random keys, against a loop in C in the
            same index and log.
            """,
        examples: ["read --mode hot", "read --mode cold --bytes 1g", "read --mode key --json"],
        flags: [
            Flag("--mode", "MODE", "hot, cold or key; hot"),
            Flag("--count", "N", "messages in one read, hot and cold; 32"),
        ] + StorePlan.flags,
        measure: { options in
            let plan = try StorePlan(options)
            let count = try options.number("--count", 32, in: 1...10_000)
            switch try options.choice("--mode", ["hot", "cold", "key"]) {
            case "hot": return try ReadRun(plan: plan, count: count).hot()
            case "cold": return try ReadRun(plan: plan, count: count).cold()
            default: return try KeyRun(plan: plan).measure()
            }
        })
}

/// Reads of one queue from front to back.
struct ReadRun {
    let plan: StorePlan
    let count: Int

    private func measurement(_ mode: String) -> RunResult {
        var result = RunResult(
            "read", plan.parameters([("mode", .string(mode)), ("count", .count(count))]))
        result.latencyMeaning = "one read of up to \(count) messages, each visited in place"
        return result
    }

    func hot() throws -> RunResult {
        let workplace = try plan.workplace()
        let round = try plan.fill(workplace, plan.unflushed)
        var result = measurement("hot")
        var complaints = [round.check()].compactMap { $0 }
        let files = try StoreFilesMapped(store: round.path)
        var rates = RoundRates()
        var allocations: Int64 = 0
        var total = 0
        let watch = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("read hot: \(Int(watch.share * 100)) %")
            let outcome = try Self.walk(round.store, round.queues[0], count, &result.latency)
            guard let c = files.walk(round.appended) else {
                throw BenchError("the C loop finds a message that is not right")
            }
            if outcome.count != round.appended {
                complaints.append("\(outcome.count) messages were read, not \(round.appended)")
            }
            total += outcome.count
            allocations = outcome.allocations < 0 ? -1 : allocations + outcome.allocations
            rates.add(
                Double(outcome.count) * 1e9 / Double(outcome.nanoseconds),
                [("C loop", Double(round.appended) * 1e9 / Double(c))])
        } while !watch.isOver
        rates.fill(&result, byteCount: Double(round.messages.recordByteCount))
        if allocations >= 0 { result.allocationsPerMessage = Double(allocations) / Double(total) }
        result.checked = complaints.isEmpty
        result.notes += complaints
        return result
    }

    func cold() throws -> RunResult {
        let workplace = try plan.workplace()
        let round = try plan.fill(workplace, plan.configuration)
        var result = measurement("cold")
        let appended = round.appended
        let size = round.messages.recordByteCount
        try round.store.close()
        var complaints: [String] = []
        var rates = RoundRates()
        // All but the last two: the one that was written last is not full, nor one made ahead.
        let segment = plan.configuration.commitLog.segmentByteCount
        let full = try StoreFilesMapped(store: round.path).segmentPaths
            .prefix(max(1, appended * size / segment))
        let watch = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("read cold: \(Int(watch.share * 100)) %")
            try evict(round.path)
            let start = croofline_now()
            let read = full.reduce(Int64(0)) { $0 + croofline_read_file($1) }
            let device = Double(read) * 1e9 / Double(croofline_now() - start)
            try evict(round.path)
            let store = try MessageStore.open(round.path, plan.configuration)
            let queue = try store.queue(topic: SampleMessages.topic)
            let outcome = try Self.walk(store, queue, count, &result.latency)
            if outcome.count != appended {
                complaints.append("\(outcome.count) messages were read, not \(appended)")
            }
            if rates.isEmpty, outcome.allocations >= 0 {
                result.allocationsPerMessage = Double(outcome.allocations) / Double(appended)
            }
            rates.add(
                Double(outcome.count) * 1e9 / Double(outcome.nanoseconds),
                [("device, read 1 MiB at a time", device / Double(size))])
            try store.close()
        } while !watch.isOver
        rates.fill(&result, byteCount: Double(size))
        result.checked = complaints.isEmpty
        result.notes += complaints
        result.notes.append("open is not in the time; files left the page cache before it")
        return result
    }

    private func evict(_ path: String) throws {
        let all = FileManager.default.enumerator(atPath: path)
        while let name = all?.nextObject() as? String {
            let file = "\(path)/\(name)"
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory),
                !isDirectory.boolValue
            else { continue }
            let code = croofline_evict(file)
            guard code == 0 else { throw BenchError("\(file): \(String(cString: strerror(code)))") }
        }
    }

    /// Reads a queue from front to back.
    @inline(never)
    static func walk(
        _ store: MessageStore, _ queue: MessageQueue, _ count: Int, _ latency: inout Histogram
    ) throws -> AppendOutcome {
        var outcome = AppendOutcome()
        let allocations = callocationcounter_thread()
        let start = croofline_now()
        let end = try store.maximumOffset(queue)
        var next: Int64 = 0
        var now = start
        while next < end {
            let called = now
            let batch = try store.read(queue, from: next, count: count, byteCount: 16 << 20)
            guard batch.nextOffset > next else { break }
            batch.forEach { record in
                if record.queueOffset == next { outcome.count += 1 }
                next += 1
            }
            now = croofline_now()
            latency.record(now - called)
        }
        outcome.nanoseconds = now - start
        outcome.countAllocations(since: allocations)
        return outcome
    }
}
